//! Injected faults: their kinds, their triggers, their counts.
//!
//! | fault | the frame | what a correct consumer still yields |
//! |---|---|---|
//! | `garbage` | random bytes, before the good frame | everything |
//! | `unknown-type` | a well-formed frame of an unknown type with a seq of its own, before the good frame | everything |
//! | `duplicate` | the good frame once more, same seq, behind it | everything, once |
//! | `truncated` | a commit cut off, instead of the whole one | nothing of the frame |
//! | `too-big` | `tooBig` set, no operations, instead | nothing of the frame |
//! | `invalid-rev` | a `rev` that is no TID, instead | nothing of the frame |
//! | `invalid-time` | a `time` that is no date, instead | nothing of the frame |
//! | `bad-cid` | one record block altered, instead | the frame's other operations |
//! | `missing-block` | one record block left out, instead | the frame's other operations |
//! | `invalid-collection` | one path's collection is no NSID, instead | the frame's other operations |
//! | `invalid-rkey` | one path's record key is not valid, instead | the frame's other operations |
//! | `invalid-did` | a `repo` that is no DID, instead | nothing of the frame |
//! | `unreadable-car` | `blocks` that are no CAR, instead | nothing of the frame |
//! | `malformed-op` | one operation has no action, instead | the frame's other operations |
//! | `unknown-action` | one action is none of the three, instead | the frame's other operations |
//! | `invalid-path` | one path is a collection alone, instead | the frame's other operations |
//! | `missing-cid` | one create or update has no CID, instead | the frame's other operations |
//! | `invalid-record` | one record is a number, under the right CID, instead | the frame's other operations |
//! | `too-large` | one record's JSON has four megabytes, instead | the frame's other operations |
//! | `not-in-tree` | one create or update brings a record that is not in the repo's tree, instead | the frame's other operations |
//! | `still-in-tree` | one create or update is called a delete, instead | the frame's other operations |
//! | `missing-node` | the root of the repo's tree left out, instead | the frame's deletes |
//! | `bad-commit` | the commit object altered, instead | nothing of the frame |
//! | `too-many-ops` | 201 operations, in a tree that has them, instead | nothing of the frame |
//! | `inflated` | one record of 348,000 `&` under 200 paths, in a tree that has them, instead | nothing of the frame |
//! | `seq-gap` | never sent, its seq is missing; the next one is good | everything but the lost frame |
//! | `stall` | the server sends nothing for a while before this frame | everything |
//! | `disconnect` | the server cuts the TCP connection before this frame | everything, after reconnecting |
//! | `too-slow` | the error `ConsumerTooSlow` before this frame, and the end of the connection | everything, after reconnecting |
//!
//! In addition, a relay can silently drop a whole collection from some frame on ([`MuteRule`]): its commits are never
//! sent, and not expected.
//!
//! `stall`, `disconnect` and `too-slow` affect the first client that reaches the frame, and no other one.

mod kind;
mod dice;
mod mute;

use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use dice::FaultDice;
pub use dice::{FaultRule, FaultTrigger};
pub use kind::FaultKind;
pub use mute::MuteRule;

/// How often each fault was injected.
#[derive(Debug, Default)]
pub(crate) struct FaultCounts([AtomicU64; FaultKind::ALL.len()]);

impl FaultCounts {
    pub(crate) fn add(&self, kind: FaultKind, count: u64) {
        self.0[kind as usize].fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, kind: FaultKind) -> u64 {
        self.0[kind as usize].load(Ordering::Relaxed)
    }
}
