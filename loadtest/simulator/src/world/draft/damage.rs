//! Damage to a commit frame.

use fanjet_event::Cid;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::faults::FaultKind;
use crate::world::cbor;
use crate::world::frame::CommitFrame;

const BAD_COLLECTIONS: [&str; 5] = [
    "$account",
    "nodots",
    "two.segments",
    ".leading.dot.x",
    "app.bsky.feed.9name",
];
const BAD_RKEYS: [&str; 4] = [".", "..", "has space", "😀"];
const BAD_REVS: [&str; 5] = [
    "",
    "not-a-tid",
    "3mptbypluud2",
    "3mptbypluud2aa",
    "3mptbypluud21",
];
const BAD_TIMES: [&str; 4] = [
    "",
    "yesterday",
    "2026-13-04T14:38:07Z",
    "2026-07-04 14:38:07Z",
];

const BAD_DIDS: [&str; 4] = ["", "alice.example", "did:plc:", "did:METHOD:val"];
/// A varint that never ends: no CAR begins like this.
const NO_CAR: [u8; 16] = [0xff; 16];
/// Control characters, of which JSON makes six bytes each.
const INFLATING: usize = 700_000;

/// What a fault takes away from the reader.
pub(super) enum Lost {
    Frame,
    Ops(Vec<usize>),
}

impl Lost {
    pub(super) fn contains(&self, index: usize) -> bool {
        match self {
            Self::Frame => true,
            Self::Ops(ops) => ops.contains(&index),
        }
    }

    /// What a reader counts as dropped: a frame as one.
    pub(super) fn drops(&self) -> u64 {
        match self {
            Self::Frame => 1,
            Self::Ops(ops) => ops.len() as u64,
        }
    }
}

/// Damages a frame; tells which operations are lost by it.
pub(super) fn apply(frame: &mut CommitFrame, fault: FaultKind, rng: &mut ChaCha8Rng) -> Lost {
    let all = 0..frame.ops.len();
    let pick =
        |rng: &mut ChaCha8Rng, from: &[&str]| from[rng.random_range(0..from.len())].to_owned();
    match fault {
        FaultKind::BadCid => damage_record(frame, rng, |block| {
            if let Some(last) = block.last_mut() {
                *last ^= 1;
            }
            true
        }),
        FaultKind::MissingBlock => damage_record(frame, rng, |_| false),
        FaultKind::TooBig => {
            frame.too_big = true;
            frame.ops.clear();
            let commit = frame.commit;
            frame.blocks.retain(|(cid, _)| *cid == commit);
            Lost::Frame
        }
        FaultKind::InvalidRev => {
            frame.rev = pick(rng, &BAD_REVS);
            Lost::Frame
        }
        FaultKind::InvalidTime => {
            frame.time = pick(rng, &BAD_TIMES);
            Lost::Frame
        }
        FaultKind::InvalidCollection | FaultKind::InvalidRkey => {
            let at = rng.random_range(all);
            let path = &mut frame.ops[at].path;
            let (collection, rkey) = path.split_once('/').unwrap_or((path, ""));
            *path = if fault == FaultKind::InvalidCollection {
                format!("{}/{rkey}", pick(rng, &BAD_COLLECTIONS))
            } else {
                format!("{collection}/{}", pick(rng, &BAD_RKEYS))
            };
            Lost::Ops(vec![at])
        }
        FaultKind::InvalidDid => {
            frame.repo = pick(rng, &BAD_DIDS);
            Lost::Frame
        }
        FaultKind::UnreadableCar => {
            frame.no_car = Some(NO_CAR.to_vec());
            Lost::Frame
        }
        FaultKind::MalformedOp | FaultKind::UnknownAction | FaultKind::InvalidPath => {
            let at = rng.random_range(all);
            let op = &mut frame.ops[at];
            match fault {
                FaultKind::MalformedOp => op.action = None,
                FaultKind::UnknownAction => op.action = Some("lol-no"),
                _ => op.path = op.path.replace('/', "."),
            }
            Lost::Ops(vec![at])
        }
        FaultKind::MissingCid => change_record(frame, rng, |_| None),
        FaultKind::InvalidRecord => change_record(frame, rng, |blocks| {
            Some(add_block(blocks, |out| cbor::unsigned(out, 7)))
        }),
        FaultKind::TooLarge => change_record(frame, rng, |blocks| {
            Some(add_block(blocks, |out| {
                cbor::map(out, 1);
                cbor::text(out, "text");
                cbor::text(out, &"\u{1}".repeat(INFLATING));
            }))
        }),
        _ => Lost::Frame,
    }
}

/// Gives one operation that brings a record another CID, or none.
fn change_record(
    frame: &mut CommitFrame,
    rng: &mut ChaCha8Rng,
    cid: impl Fn(&mut Vec<(Cid, Vec<u8>)>) -> Option<Cid>,
) -> Lost {
    let ops = frame.ops.iter().enumerate();
    let with_record: Vec<_> = ops.filter_map(|(at, op)| op.cid.map(|_| at)).collect();
    if with_record.is_empty() {
        return Lost::Ops(Vec::new());
    }
    let at = with_record[rng.random_range(0..with_record.len())];
    frame.ops[at].cid = cid(&mut frame.blocks);
    Lost::Ops(vec![at])
}

fn add_block(blocks: &mut Vec<(Cid, Vec<u8>)>, write: impl Fn(&mut Vec<u8>)) -> Cid {
    let mut block = Vec::new();
    write(&mut block);
    let cid = Cid::of_dag_cbor(&block);
    blocks.push((cid, block));
    cid
}

/// Where to cut off a frame: behind its header, well before its end.
pub(super) fn cut(length: usize, rng: &mut ChaCha8Rng) -> usize {
    rng.random_range(length / 4..length * 3 / 4)
}

/// Changes the block of one record, or drops it if `keep` says so. Every operation with that CID is lost.
fn damage_record(
    frame: &mut CommitFrame,
    rng: &mut ChaCha8Rng,
    keep: impl Fn(&mut Vec<u8>) -> bool,
) -> Lost {
    let with_record: Vec<_> = frame.ops.iter().filter_map(|op| op.cid).collect();
    if with_record.is_empty() {
        return Lost::Ops(Vec::new());
    }
    let struck = with_record[rng.random_range(0..with_record.len())];
    frame
        .blocks
        .retain_mut(|(cid, block)| *cid != struck || keep(block));
    let ops = frame.ops.iter().enumerate();
    Lost::Ops(
        ops.filter(|(_, op)| op.cid == Some(struck))
            .map(|(index, _)| index)
            .collect(),
    )
}
