//! What the hub writes to sockets itself.

use super::{Shard, Step};
use crate::outbox::Written;

/// How many sockets are written to before other tasks get their turn: a millisecond or two. A connection's control traffic
/// waits for no more than that, however many there are.
const WRITES_PER_STEP: usize = 256;

impl Shard {
    /// Writes to the next of those who have something to be written. What is new in the ring waits until all have had their
    /// turn, and then goes out in one piece.
    pub(super) fn write_out(&mut self) {
        let (mut whole, mut in_part) = (0, 0);
        for _ in 0..WRITES_PER_STEP {
            let Some(member) = self.unwritten.pop_front() else {
                break;
            };
            match member.outbox().write_out() {
                Written::Whole => whole += 1,
                Written::InPart => in_part += 1,
                Written::Nothing => {}
            }
        }
        self.metrics.written_directly(whole, in_part);
    }

    /// Whether there is more to do at once. What has come into the ring while sockets were written to is not: it waits for
    /// the next flush, or each would carry next to nothing.
    pub(super) fn what_is_left(&self) -> Step {
        if !self.unwritten.is_empty() || self.is_behind {
            Step::More
        } else {
            Step::Done
        }
    }
}
