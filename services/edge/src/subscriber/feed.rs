//! The source of a subscriber's bytes: its outbox or, while it is behind, the log and the ring.
//!
//! This is the boundary between fan-out and sockets: a subscriber polls its feed and writes the bytes to any kind of socket.
//! Dropping the feed removes the member.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use fanjet_wire::close::CloseReason;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::throttle::Throttle;
use crate::hub::{CatchUp, Member, SharedShards};
use crate::limits::SharedAllowance;
use crate::metrics::Metrics;
use crate::outbox::Take;
use crate::replay::{Loaded, Page, PageResponse};
use crate::sockets::Socket;

/// Scans of past events per turn, before other tasks run.
const SCANS_PER_TURN: usize = 4;

/// The bytes of one subscriber, in order, each event once.
#[derive(Debug)]
pub struct Feed {
    shards: SharedShards,
    member: Rc<Member>,
    metrics: Metrics,
    awaited: Option<Awaited>,
    /// Set until it has caught up for the first time.
    throttle: Option<Throttle>,
    /// `None`: nothing watches the connection, so how it ends stays unknown.
    socket: Option<Arc<Socket>>,
}

/// A requested page.
#[derive(Debug)]
struct Awaited {
    page: oneshot::Receiver<Loaded>,
    /// [`Member::filters`] at the time of the request.
    filters: u64,
}

impl Feed {
    /// The feed of a member of these shards.
    pub fn new(shards: SharedShards, member: Rc<Member>, metrics: Metrics) -> Self {
        metrics.joined(member.encoding());
        Self {
            shards,
            member,
            metrics,
            awaited: None,
            throttle: None,
            socket: None,
        }
    }

    /// The same feed, limited to this rate while it replays from its cursor.
    #[must_use]
    pub(crate) fn with_throttle(mut self, allowance: SharedAllowance) -> Self {
        self.throttle = Some(Throttle::new(allowance));
        self
    }

    /// The same feed for a watched connection.
    #[must_use]
    pub(crate) fn with_socket(mut self, socket: Option<Arc<Socket>>) -> Self {
        self.socket = socket;
        self
    }

    /// Whether the client was disconnected because it read nothing.
    pub(crate) fn is_stalled(&self) -> bool {
        self.socket.as_ref().is_some_and(|it| it.is_stalled())
    }

    /// Counts partial writes of the socket.
    pub(crate) fn note_partial_writes(&self, writes: u64) {
        if writes > 0 {
            self.metrics.partly_written(writes);
        }
    }

    /// The member whose bytes these are.
    pub fn member(&self) -> &Rc<Member> {
        &self.member
    }

    /// The next bytes to write; `None` when the connection must end. A writer calls this until it returns
    /// pending.
    pub fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        for _ in 0..SCANS_PER_TURN {
            match self.member.outbox().poll_take(cx) {
                Poll::Ready(Take::Bytes(bytes)) => return Poll::Ready(Some(bytes)),
                Poll::Ready(Take::Over) => return Poll::Ready(None),
                Poll::Ready(Take::Empty) | Poll::Pending => {}
            }
            if let Some(throttle) = &mut self.throttle
                && throttle.poll_pause(cx).is_pending()
            {
                return Poll::Pending;
            }
            let caught_up = match self.poll_awaited(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(page))) => self.replay(&page),
                Poll::Ready(Some(Err(damage))) => {
                    self.shards.borrow_mut().fail(&self.member, damage)
                }
                Poll::Ready(None) => self.catch_up(),
            };
            let found = match caught_up {
                CatchUp::Cold(PageResponse::Page(page)) => self.replay(&page),
                found => found,
            };
            match found {
                CatchUp::Live => {
                    if !self.member.is_waiting() {
                        // If it falls behind later, it reads only what it would have received anyway.
                        self.throttle = None;
                    }
                    return Poll::Pending;
                }
                CatchUp::Found(chunk) => {
                    self.member.outbox().note_written(&chunk);
                    return Poll::Ready(Some(chunk.bytes));
                }
                CatchUp::Cold(PageResponse::Wait(page)) => {
                    let filters = self.member.filters();
                    self.awaited = Some(Awaited { page, filters });
                }
                CatchUp::NothingWanted | CatchUp::FellBehind | CatchUp::Cold(_) => {}
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads on from the ring, and charges the throttle for the matching bytes. A page of the log is charged whole.
    fn catch_up(&mut self) -> CatchUp {
        let found = self.shards.borrow_mut().catch_up(&self.member);
        if let CatchUp::Found(chunk) = &found {
            self.spend(chunk.bytes.len());
        }
        found
    }

    fn replay(&mut self, page: &Page) -> CatchUp {
        self.spend(page.frame_bytes());
        self.shards.borrow_mut().replay(&self.member, page)
    }

    fn spend(&mut self, bytes: usize) {
        if let Some(throttle) = &mut self.throttle
            && throttle.spend(bytes)
        {
            self.metrics.replay_paused();
        }
    }

    /// The requested page, if there is one and it still applies.
    fn poll_awaited(&mut self, cx: &mut Context<'_>) -> Poll<Option<Loaded>> {
        let Some(awaited) = &mut self.awaited else {
            return Poll::Ready(None);
        };
        if awaited.filters != self.member.filters() {
            self.awaited = None;
            return Poll::Ready(None);
        }
        let Poll::Ready(page) = Pin::new(&mut awaited.page).poll(cx) else {
            return Poll::Pending;
        };
        self.awaited = None;
        match page {
            Ok(loaded) => Poll::Ready(Some(loaded)),
            // The node is stopping or the log was replaced: the close frame follows through the outbox.
            Err(_) => Poll::Pending,
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shards.borrow_mut().leave(&self.member);
        let is_stalled = self.is_stalled();
        if let Some(socket) = &self.socket {
            socket.ends(Instant::now());
        }
        let reason = self.member.outbox().closing();
        let reason = reason.unwrap_or(match is_stalled {
            true => CloseReason::Stalled,
            false => CloseReason::ClientGone,
        });
        self.metrics.left(self.member.encoding(), &reason);
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
