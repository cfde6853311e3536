//! Where a subscriber's bytes come from: its outbox, and the ring while it is behind.
//!
//! This is the seam between fan-out and sockets: a writer polls a feed and writes what it gets, whatever kind of
//! socket it has. Dropping the feed is leaving.

use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use fanjet_wire::close::CloseReason;
use tokio::sync::oneshot;

use super::Take;
use crate::hub::{CatchUp, Member, SharedShard};
use crate::metrics::Metrics;

/// How many scans of the ring one turn may take before other tasks get theirs.
const SCANS_PER_TURN: usize = 4;

/// The bytes of one subscriber, in order, each event once.
#[derive(Debug)]
pub struct Feed {
    shard: SharedShard,
    member: Rc<Member>,
    metrics: Metrics,
    /// Dropped with the feed: tells the session that the socket is gone.
    _ended: oneshot::Sender<()>,
}

impl Feed {
    /// The feed of a member of this shard, and what resolves when it ends.
    pub fn new(
        shard: SharedShard,
        member: Rc<Member>,
        metrics: Metrics,
    ) -> (Self, oneshot::Receiver<()>) {
        let (ended, on_end) = oneshot::channel();
        metrics.joined();
        let feed = Self {
            shard,
            member,
            metrics,
            _ended: ended,
        };
        (feed, on_end)
    }

    /// Whose bytes these are.
    pub fn member(&self) -> &Rc<Member> {
        &self.member
    }

    /// The next bytes to write; `None` when the connection is to end. Everything that is pending is there at
    /// once: a writer drains the feed until it would wait.
    pub fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        for _ in 0..SCANS_PER_TURN {
            match self.member.outbox().poll_take(cx) {
                Poll::Ready(Take::Bytes(bytes)) => return Poll::Ready(Some(bytes)),
                Poll::Ready(Take::Over) => return Poll::Ready(None),
                Poll::Ready(Take::Empty) | Poll::Pending => {}
            }
            match self.shard.borrow_mut().catch_up(&self.member) {
                CatchUp::Live => return Poll::Pending,
                CatchUp::Found(chunk) => {
                    self.member.outbox().note_written(chunk.last);
                    return Poll::Ready(Some(chunk.bytes));
                }
                CatchUp::NothingWanted | CatchUp::FellBehind => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shard.borrow_mut().leave(&self.member);
        let reason = self.member.outbox().closing();
        self.metrics
            .left(&reason.unwrap_or(CloseReason::ClientGone));
    }
}

#[cfg(test)]
mod tests;
