//! Damage to a commit frame.

mod tree;

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
/// A varint that never ends: no CAR starts like this.
const NO_CAR: [u8; 16] = [0xff; 16];
/// Control characters, which take six bytes each in JSON.
const INFLATING: usize = 700_000;

/// These take six bytes each in JSON, too. This many, under as many paths as a commit may have, are 418 MB.
const AMPERSANDS: usize = 348_000;
/// Operations that a commit may have (Lexicon).
const MAX_OPS: usize = 200;

/// What a fault takes away from the consumer.
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

    /// What a consumer counts as dropped: a frame counts as one.
    pub(super) fn drops(&self) -> u64 {
        match self {
            Self::Frame => 1,
            Self::Ops(ops) => ops.len() as u64,
        }
    }
}

/// Damages a frame; returns the operations that are lost.
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
        FaultKind::MissingCid => change_op(frame, rng, |frame, at| frame.ops[at].cid = None),
        FaultKind::InvalidRecord => replace_record(frame, rng, block(|out| cbor::unsigned(out, 7))),
        FaultKind::TooLarge => replace_record(frame, rng, text_record(&"\u{1}".repeat(INFLATING))),
        FaultKind::NotInTree => change_op(frame, rng, |frame, at| {
            let (cid, block) = text_record("never committed");
            frame.ops[at].cid = Some(cid);
            frame.blocks.push((cid, block));
        }),
        FaultKind::StillInTree => change_op(frame, rng, |frame, at| {
            let op = &mut frame.ops[at];
            (op.action, op.cid) = (Some("delete"), None);
        }),
        FaultKind::MissingNode => {
            tree::drop_root(frame);
            with_record(frame)
        }
        FaultKind::BadCommit => {
            let commit = frame.commit;
            for (_, block) in frame.blocks.iter_mut().filter(|(cid, _)| *cid == commit) {
                block.push(0);
            }
            Lost::Frame
        }
        FaultKind::TooManyOps => {
            tree::replace_all(frame, MAX_OPS + 1, text_record("one of many"));
            Lost::Frame
        }
        FaultKind::Inflated => {
            tree::replace_all(frame, MAX_OPS, text_record(&"&".repeat(AMPERSANDS)));
            Lost::Frame
        }
        _ => Lost::Frame,
    }
}

/// Changes one operation that brings a record.
fn change_op(
    frame: &mut CommitFrame,
    rng: &mut ChaCha8Rng,
    change: impl Fn(&mut CommitFrame, usize),
) -> Lost {
    let Lost::Ops(with_record) = with_record(frame) else {
        return Lost::Frame;
    };
    if with_record.is_empty() {
        return Lost::Ops(Vec::new());
    }
    let at = with_record[rng.random_range(0..with_record.len())];
    change(frame, at);
    Lost::Ops(vec![at])
}

/// Replaces one of the records in all operations that bring it.
fn replace_record(frame: &mut CommitFrame, rng: &mut ChaCha8Rng, by: (Cid, Vec<u8>)) -> Lost {
    let records: Vec<_> = frame.ops.iter().filter_map(|op| op.cid).collect();
    if records.is_empty() {
        return Lost::Ops(Vec::new());
    }
    let struck = records[rng.random_range(0..records.len())];
    Lost::Ops(tree::replace_record(frame, struck, by))
}

/// The operations that bring a record.
fn with_record(frame: &CommitFrame) -> Lost {
    let ops = frame.ops.iter().enumerate();
    Lost::Ops(ops.filter_map(|(at, op)| op.cid.map(|_| at)).collect())
}

fn text_record(text: &str) -> (Cid, Vec<u8>) {
    block(|out| {
        cbor::map(out, 1);
        cbor::text(out, "text");
        cbor::text(out, text);
    })
}

fn block(write: impl Fn(&mut Vec<u8>)) -> (Cid, Vec<u8>) {
    let mut block = Vec::new();
    write(&mut block);
    (Cid::of_dag_cbor(&block), block)
}

/// Where to cut a frame: behind its header, well before its end.
pub(super) fn cut(length: usize, rng: &mut ChaCha8Rng) -> usize {
    rng.random_range(length / 4..length * 3 / 4)
}

/// Changes the block of one record, or drops it unless `keep` is set. Every operation with that CID is lost.
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
