//! Damage to a commit frame.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::faults::FaultKind;
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

/// The operations that a fault takes away from the reader.
pub(super) struct Lost(Vec<usize>);

impl Lost {
    pub(super) fn contains(&self, index: usize) -> bool {
        self.0.contains(&index)
    }
}

/// Damages a frame; tells which operations are lost by it.
pub(super) fn apply(frame: &mut CommitFrame, fault: FaultKind, rng: &mut ChaCha8Rng) -> Lost {
    let all = 0..frame.ops.len();
    let everything = Lost(all.clone().collect());
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
            everything
        }
        FaultKind::InvalidRev => {
            frame.rev = pick(rng, &BAD_REVS);
            everything
        }
        FaultKind::InvalidTime => {
            frame.time = pick(rng, &BAD_TIMES);
            everything
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
            Lost(vec![at])
        }
        _ => everything,
    }
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
        return Lost(Vec::new());
    }
    let struck = with_record[rng.random_range(0..with_record.len())];
    frame
        .blocks
        .retain_mut(|(cid, block)| *cid != struck || keep(block));
    let ops = frame.ops.iter().enumerate();
    Lost(
        ops.filter(|(_, op)| op.cid == Some(struck))
            .map(|(index, _)| index)
            .collect(),
    )
}
