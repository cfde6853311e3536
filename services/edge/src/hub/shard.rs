//! Subscribers of one worker thread that are flushed together: who is in which lane, and how far everybody has read.
//!
//! Invariant: a member gets every event that its filter wants from its start on, once, in order. It is either live,
//! and gets what its lane gathers from the shard's position on, or behind, and reads on from its own `next` - the log,
//! then the ring - until that is the shard's position. The two meet at one seq, so there is nothing to lose or repeat
//! between them. One that starts at a cursor is behind from the beginning: there is no other replay.
//!
//! A new filter counts from the event that the member reads next when it comes: the shard's position for one that is
//! live, its own `next` for one that is behind.

mod behind;
mod ahead;
mod encoding;
mod refilter;
mod moving;

use std::rc::Rc;
use std::sync::Arc;

use fanjet_event::TimeUs;
use fanjet_filter::{Encoding, Filter};
use fanjet_log::Seq;
use fanjet_wire::close::CloseReason;

use super::lane_id::LaneId;
use super::member::{Member, Next, Place};
use super::membership::Membership;
use crate::config::EdgeConfig;
use crate::metrics::Metrics;
use crate::outbox::{Chunk, Outbox, Push};
use crate::replay::{Desk, Start};
use crate::tail::{Compression, Encoder, Entry, Generation, Read, ReadLimit, Ring, Window};

pub use behind::CatchUp;

/// How much is done in one go.
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

/// Most events per step or catch-up, for small events and selective filters.
const MAX_ENTRIES: usize = 4096;

/// What a step leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// There is more in the ring.
    More,
    /// Everything was delivered.
    Done,
}

/// Subscribers of one worker thread that are flushed together.
#[derive(Debug)]
pub struct Shard {
    ring: Arc<Ring>,
    desk: Arc<Desk>,
    window: Arc<Window>,
    limits: ShardLimits,
    metrics: Metrics,
    members: Membership,
    encoder: Encoder,
    /// The seq that is routed next.
    position: Seq,
    /// The time of the newest event before it.
    before: Option<TimeUs>,
    /// The log that all this is about.
    generation: Generation,
    touched: Vec<LaneId>,
    /// What a lane gathers, between two of them empty.
    gathered: Vec<Chunk>,
}

impl Shard {
    /// A shard without members.
    pub fn new(
        ring: Arc<Ring>,
        desk: Arc<Desk>,
        window: Arc<Window>,
        limits: ShardLimits,
        metrics: Metrics,
    ) -> Self {
        Self {
            encoder: encoder(Compression::default(), &ring, &desk),
            generation: ring.head().generation,
            ring,
            desk,
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
        self.notice_another_log();
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

    /// Takes a subscriber out. Doing it again changes nothing.
    pub fn leave(&mut self, member: &Rc<Member>) {
        self.members.leave(member);
    }

    /// Routes the next part of the ring to the outboxes.
    pub fn step(&mut self) -> Step {
        if self.notice_another_log() {
            return Step::Done;
        }
        if self.members.is_idle() {
            self.go_to_end();
            return Step::Done;
        }
        let limit = ReadLimit {
            entries: MAX_ENTRIES,
            bytes: self.limits.flush_bytes,
        };
        let until = self.next_start();
        let found = self
            .ring
            .read_from(self.position, until.unwrap_or(Seq::MAX), limit);
        if self.notice_another_log() {
            return Step::Done;
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
            // This thread was too slow, or the log dropped events unread: everybody reads on by itself, and finds out.
            Read::Behind { .. } => self.leave_behind(),
        }
        self.start_reached();
        self.close_fallen();
        match self.ring.head().end {
            Some(end) if self.position < end => Step::More,
            _ => Step::Done,
        }
    }

    /// Whether no member wants events now.
    pub(super) fn is_idle(&self) -> bool {
        self.members.is_idle()
    }

    /// Whether a step would find something to do.
    pub(super) fn is_wanted(&self) -> bool {
        let head = self.ring.head();
        let is_new = head.end.is_some_and(|end| self.position < end);
        head.generation != self.generation || (is_new && !self.members.is_idle())
    }

    /// Everybody who is here, in whatever place.
    pub fn members(&self) -> Vec<Rc<Member>> {
        self.members.all()
    }

    /// Closes every member's connection once what is queued for it is written.
    pub fn close_all(&mut self, reason: &CloseReason) {
        for member in self.members.clear() {
            member.outbox().close(reason.clone());
        }
        self.touched.clear();
    }

    /// Up to where everything that a member wants has been written: the time of the newest event that was routed.
    /// `None` for one that is not live, or for which something is still queued.
    pub fn written_up_to(&self, member: &Member) -> Option<TimeUs> {
        let is_live = matches!(member.place(), Place::Live { .. });
        (is_live && member.outbox().is_idle())
            .then_some(self.before)
            .flatten()
    }

    /// Lanes that somebody holds.
    pub fn lanes(&self) -> usize {
        self.members.lanes.len()
    }

    /// The seq that is routed next.
    pub fn position(&self) -> Seq {
        self.position
    }

    /// Whether the log was replaced since this was asked last. What was read before is of the one that is gone then, and so is
    /// every position: whoever is here comes back with a cursor.
    fn notice_another_log(&mut self) -> bool {
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
        // Cursors are inclusive: the microsecond behind an event names everything after it.
        let resume = self.before.map(|time| time.get() + 1);
        member.outbox().start_at(resume);
        let head = self.ring.head();
        if head.end.is_some_and(|end| end < head.live) {
            // The ring is still being filled with what was there before the node.
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

    /// Hands one lane's gathered bytes to its members; returns what was delivered.
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
                // Its feed will leave.
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
        self.members.put(member, Place::Live { lane });
    }
}

/// What is made of the ring's events takes the ring's memory, and what is made of pages that of the pages.
fn encoder(compression: Compression, ring: &Ring, desk: &Desk) -> Encoder {
    Encoder::new(compression, Arc::clone(ring.encoded()))
        .counting_pages_in(Arc::clone(desk.encoded()))
}

#[cfg(test)]
pub(super) mod tests;
