//! Subscribers of one worker thread that are flushed together: their lanes and their positions.
//!
//! Invariant: a member receives every event that its filter wants from its start on, once and in order. A live member receives
//! what its lane gathers from the shard's position on. A member that is behind reads the log and then the ring from its own
//! `next` until it reaches the shard's position. Both meet at one seq, so nothing is lost or repeated. A member that starts at
//! a cursor is behind from the beginning: there is no separate replay path.
//!
//! A new filter applies from the next event that the member reads: the shard's position for a live member, its own `next` for
//! one that is behind.

mod behind;
mod ahead;
mod encoding;
mod refilter;
mod moving;

use std::rc::Rc;
use std::sync::Arc;

use fanjet_event::TimeUs;
use fanjet_filter::{Encoding, Filter, Protocol};
use fanjet_log::Seq;
use fanjet_wire::close::CloseReason;

use super::lane_id::LaneId;
use super::member::{Member, MemberState, Next};
use super::membership::Membership;
use crate::config::EdgeConfig;
use crate::metrics::Metrics;
use crate::outbox::{Chunk, Outbox, Push};
use crate::replay::{PageRequests, Start};
use crate::tail::{Compression, Encoder, Entry, Generation, Read, ReadLimit, Ring, Window};

pub use behind::CatchUp;

/// Work limits per step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardLimits {
    /// Bytes of events per [`Shard::step`].
    pub flush_bytes: usize,
    /// Bytes per [`Shard::catch_up`].
    pub catch_up_bytes: usize,
    /// Bytes that may wait for one socket.
    pub max_pending_bytes: usize,
}

impl ShardLimits {
    pub(crate) fn of(config: &EdgeConfig) -> Self {
        Self {
            flush_bytes: config.hub.flush_bytes,
            catch_up_bytes: config.subscriber.catch_up_bytes,
            max_pending_bytes: config.subscriber.max_pending_bytes,
        }
    }
}

/// Maximum events per step or catch-up, for small events and selective filters.
const MAX_ENTRIES: usize = 4096;

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepOutcome {
    /// The ring has more events.
    More,
    /// All events were delivered.
    Done,
}

/// Subscribers of one worker thread that are flushed together.
#[derive(Debug)]
pub struct Shard {
    ring: Arc<Ring>,
    page_requests: Arc<PageRequests>,
    window: Arc<Window>,
    limits: ShardLimits,
    metrics: Metrics,
    members: Membership,
    encoder: Encoder,
    /// The next seq to route.
    position: Seq,
    /// The time of the newest event before it.
    before: Option<TimeUs>,
    /// The log that these positions belong to.
    generation: Generation,
    touched: Vec<LaneId>,
    /// A buffer for the chunks of one lane; empty between lanes.
    gathered: Vec<Chunk>,
}

impl Shard {
    /// A shard without members.
    pub fn new(
        ring: Arc<Ring>,
        page_requests: Arc<PageRequests>,
        window: Arc<Window>,
        limits: ShardLimits,
        metrics: Metrics,
    ) -> Self {
        Self {
            encoder: encoder(Compression::default(), &ring, &page_requests),
            generation: ring.head().generation,
            ring,
            page_requests,
            window,
            limits,
            members: Membership::new(metrics.clone()),
            metrics,
            position: 0,
            before: None,
            touched: Vec::new(),
            gathered: Vec::new(),
        }
    }

    /// Adds a subscriber.
    pub fn join(&mut self, filter: Filter, encoding: Encoding, start: Start) -> Rc<Member> {
        self.check_log_replaced();
        if self.members.is_idle() {
            self.go_to_end();
        }
        let outbox = Outbox::new(self.limits.max_pending_bytes, encoding);
        let member = Rc::new(Member::new(outbox, encoding));
        let lane = self.members.hold(filter, encoding);
        match start {
            Start::Live => self.start_live(&member, lane),
            Start::At { .. } => self.place_at(&member, lane, start),
        }
        member
    }

    /// Removes a subscriber. Repeating it changes nothing.
    pub fn leave(&mut self, member: &Rc<Member>) {
        self.members.leave(member);
    }

    /// Routes the next part of the ring to the outboxes.
    pub fn step(&mut self) -> StepOutcome {
        if self.check_log_replaced() {
            return StepOutcome::Done;
        }
        if self.members.is_idle() {
            self.go_to_end();
            return StepOutcome::Done;
        }
        let limit = ReadLimit {
            entries: MAX_ENTRIES,
            bytes: self.limits.flush_bytes,
        };
        let until = self.next_start();
        let found = self
            .ring
            .read_from(self.position, until.unwrap_or(Seq::MAX), limit);
        if self.check_log_replaced() {
            return StepOutcome::Done;
        }
        match found {
            Read::Hot(batch) => {
                let batch = self.up_to_next_time(batch);
                self.deliver(&batch);
                if let Some(last) = batch.last() {
                    self.position = last.seq() + 1;
                    self.before = Some(last.time());
                }
            }
            Read::CaughtUp => {
                let end = self.ring.head().end.unwrap_or_default();
                if let Some(start) = until.filter(|&start| start <= end) {
                    self.position = start;
                }
            }
            // This thread was too slow, or the log deleted events before they were read: each member continues at its own pace
            // and detects the loss.
            Read::Behind { .. } => self.skip_to_end(),
        }
        self.start_reached();
        self.close_lost();
        match self.ring.head().end {
            Some(end) if self.position < end => StepOutcome::More,
            _ => StepOutcome::Done,
        }
    }

    /// Whether no member wants events now.
    pub(super) fn is_idle(&self) -> bool {
        self.members.is_idle()
    }

    /// Whether a step would have work.
    pub(super) fn is_wanted(&self) -> bool {
        let head = self.ring.head();
        let is_new = head.end.is_some_and(|end| self.position < end);
        head.generation != self.generation || (is_new && !self.members.is_idle())
    }

    /// All members in any state.
    pub fn members(&self) -> Vec<Rc<Member>> {
        self.members.all()
    }

    /// Closes every member's connection when its queue is written.
    pub fn close_all(&mut self, reason: &CloseReason) {
        for member in self.members.clear() {
            member.outbox().close(reason.clone());
        }
        self.touched.clear();
    }

    /// The time up to which the member has been sent everything that it wants: that of the newest routed event. `None` for a
    /// member that is not live, or with a non-empty queue.
    pub fn written_up_to(&self, member: &Member) -> Option<TimeUs> {
        let is_live = matches!(member.state(), MemberState::Live { .. });
        (is_live && member.outbox().is_idle())
            .then_some(self.before)
            .flatten()
    }

    /// Number of lanes.
    pub fn lanes(&self) -> usize {
        self.members.lanes.len()
    }

    /// The next seq to route.
    pub fn position(&self) -> Seq {
        self.position
    }

    /// Returns whether the log was replaced since the last call. All positions belong to the old log then, so every member is
    /// closed and reconnects with a cursor.
    fn check_log_replaced(&mut self) -> bool {
        let generation = self.ring.head().generation;
        if generation == self.generation {
            return false;
        }
        self.generation = generation;
        self.close_all(&CloseReason::LogReplaced);
        self.go_to_end();
        true
    }

    fn go_to_end(&mut self) {
        let head = self.ring.head();
        self.position = head.end.unwrap_or_default();
        self.before = head.time;
    }

    fn start_live(&mut self, member: &Rc<Member>, lane: LaneId) {
        let head = self.ring.head();
        // Cursors are inclusive: the microsecond, or the seq, behind an event names everything after it.
        member
            .outbox()
            .start_at(match member.encoding().protocol() {
                Protocol::V1 => self.before.map(|time| time.get() + 1),
                Protocol::V2 => Some(self.position.max(head.live)),
            });
        if head.end.is_some_and(|end| end < head.live) {
            // The ring is still being filled with events from before startup.
            self.go_ahead(member, lane, head.live, 0);
        } else {
            self.go_live(lane, member);
        }
    }

    fn deliver(&mut self, batch: &[Arc<Entry>]) {
        let mut touched = std::mem::take(&mut self.touched);
        self.members.lanes.pick(batch, &mut touched);
        let (mut events, mut bytes) = (0, 0);
        for id in touched.drain(..) {
            let (delivered_events, delivered_bytes) = self.flush(id, batch);
            events += delivered_events;
            bytes += delivered_bytes;
        }
        self.touched = touched;
        self.note_encoded();
        if events > 0 {
            self.metrics.delivered(events, bytes);
        }
    }

    /// Delivers the gathered chunks of one lane to its members; returns what was delivered.
    fn flush(&mut self, id: LaneId, batch: &[Arc<Entry>]) -> (u64, u64) {
        let Some(lane) = self.members.lanes.get_mut(id) else {
            return (0, 0);
        };
        self.gathered.clear();
        let events = lane.gather(batch, &mut self.encoder, &mut self.gathered);
        let chunks = &self.gathered;
        let bytes: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        let mut delivered = 0;
        let mut full = Vec::new();
        for member in &lane.members {
            match member.outbox().push_all(chunks) {
                Push::Queued => delivered += 1,
                Push::Full => full.push(Rc::clone(member)),
                // Its feed will remove it.
                Push::Closed => {}
            }
        }
        for member in full {
            self.fall_behind(&member, id, Next::At(self.position), 0);
        }
        self.gathered.clear();
        (delivered * events, delivered * bytes as u64)
    }

    fn go_live(&mut self, lane: LaneId, member: &Rc<Member>) {
        self.members.put(member, MemberState::Live { lane });
    }
}

/// Frames of the ring's events count in the ring's memory, and frames of pages in the pages' memory.
fn encoder(compression: Compression, ring: &Ring, page_requests: &PageRequests) -> Encoder {
    Encoder::new(compression, Arc::clone(ring.encoded()))
        .counting_pages_in(Arc::clone(page_requests.encoded()))
}

#[cfg(test)]
pub(super) mod tests;
