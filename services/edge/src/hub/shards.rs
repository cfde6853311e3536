//! The subscribers of one worker thread: a shard for those who want events at once, and one for each delay that others ask for.
//!
//! A shard that may wait is flushed once per delay. It holds nothing meanwhile: its position stands still, and the events are
//! in the ring, as they are for a member that is behind.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use fanjet_event::TimeUs;
use fanjet_filter::{Encoding, Filter};
use fanjet_wire::close::CloseReason;
use tokio::time::Instant;

use super::delay::delay_within;
use super::member::Member;
use super::shard::{CatchUp, Shard, Step};
use crate::damage::Damage;
use crate::replay::{Page, Start};

/// The shards of a worker are shared by its hub and the feeds of their members, all on one thread.
pub type SharedShards = Rc<RefCell<Shards>>;

/// What is flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// Those whose delay is over, if any.
    Calm,
    /// They, and those who want events at once.
    All,
}

/// The subscribers of one worker thread.
#[derive(Debug)]
pub struct Shards {
    prompt: Slot,
    /// In no order; made when a delay is asked for first, and kept.
    calm: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    shard: Shard,
    delay: Duration,
    flushed: Option<Instant>,
    /// What its last step left behind.
    left: Step,
}

impl Slot {
    fn new(shard: Shard, delay: Duration) -> Self {
        Self {
            shard,
            delay,
            flushed: None,
            left: Step::Done,
        }
    }

    /// When it may be flushed, if there is anything for anybody.
    fn due(&self, now: Instant) -> Option<Instant> {
        let due = self.flushed.map_or(now, |flushed| flushed + self.delay);
        self.shard.is_wanted().then_some(due)
    }

    fn step(&mut self, now: Instant) {
        if self.left == Step::Done {
            self.flushed = Some(now);
        }
        self.left = self.shard.step();
    }
}

impl Shards {
    /// No members yet; `shard` is for those that want events at once.
    pub fn new(shard: Shard) -> Self {
        Self {
            prompt: Slot::new(shard, Duration::ZERO),
            calm: Vec::new(),
        }
    }

    /// Adds a subscriber that wants events at once.
    pub fn join(&mut self, filter: Filter, encoding: Encoding, start: Start) -> Rc<Member> {
        self.prompt.shard.join(filter, encoding, start)
    }

    /// As [`Shards::join`], for one that gets nothing before its first [`Shards::set_filter`].
    pub fn join_waiting(&mut self, encoding: Encoding, start: Start) -> Rc<Member> {
        self.prompt.shard.join_waiting(encoding, start)
    }

    /// From now on a member's events may wait for so long. What it has been given stays queued.
    pub fn set_delay(&mut self, member: &Rc<Member>, asked: Duration) {
        let delay = delay_within(asked);
        if delay == member.delay() {
            return;
        }
        let Some(mover) = self.of(member).hand_over(member) else {
            return;
        };
        if !delay.is_zero() && self.calm.iter().all(|slot| slot.delay != delay) {
            let shard = self.prompt.shard.sibling();
            self.calm.push(Slot::new(shard, delay));
        }
        member.set_delay(delay);
        self.of(member).take_in(member, mover);
    }

    /// As [`Shard::set_filter`].
    pub fn set_filter(&mut self, member: &Rc<Member>, filter: Filter) {
        self.of(member).set_filter(member, filter);
    }

    /// As [`Shard::leave`].
    pub fn leave(&mut self, member: &Rc<Member>) {
        self.of(member).leave(member);
    }

    /// As [`Shard::catch_up`].
    pub fn catch_up(&mut self, member: &Rc<Member>) -> CatchUp {
        self.of(member).catch_up(member)
    }

    /// As [`Shard::replay`].
    pub fn replay(&mut self, member: &Rc<Member>, page: &Page) -> CatchUp {
        self.of(member).replay(member, page)
    }

    /// As [`Shard::fail`].
    pub fn fail(&mut self, member: &Rc<Member>, damage: Damage) -> CatchUp {
        self.of(member).fail(member, damage)
    }

    /// Routes the next part of what is due now, or continues with what was begun.
    pub fn step(&mut self, flush: Flush, now: Instant) -> Step {
        for slot in &mut self.calm {
            // However much the others have to do.
            let is_due = slot.due(now).is_some_and(|due| due <= now);
            if slot.left == Step::More || is_due {
                slot.step(now);
            }
        }
        if self.prompt.left == Step::More || flush == Flush::All {
            self.prompt.step(now);
        }
        self.left()
    }

    /// When the next flush is due for those who wait, if anything waits for them.
    pub fn next_calm(&self, now: Instant) -> Option<Instant> {
        self.calm.iter().filter_map(|slot| slot.due(now)).min()
    }

    /// Whether no member wants events now.
    pub fn is_idle(&self) -> bool {
        self.all().all(Shard::is_idle)
    }

    /// Everybody who is here, in whatever place.
    pub fn members(&self) -> Vec<Rc<Member>> {
        self.all().flat_map(Shard::members).collect()
    }

    /// As [`Shard::close_all`].
    pub fn close_all(&mut self, reason: &CloseReason) {
        self.prompt.shard.close_all(reason);
        for slot in &mut self.calm {
            slot.shard.close_all(reason);
        }
    }

    /// As [`Shard::written_up_to`].
    pub fn written_up_to(&self, member: &Member) -> Option<TimeUs> {
        let mut calm = self.calm.iter();
        let slot = calm.find(|slot| slot.delay == member.delay());
        slot.unwrap_or(&self.prompt).shard.written_up_to(member)
    }

    /// Lanes that somebody holds.
    pub fn lanes(&self) -> usize {
        self.all().map(Shard::lanes).sum()
    }

    /// The shard that a member is in, or would be.
    pub fn of(&mut self, member: &Member) -> &mut Shard {
        let mut calm = self.calm.iter_mut();
        let slot = calm.find(|slot| slot.delay == member.delay());
        &mut slot.unwrap_or(&mut self.prompt).shard
    }

    fn all(&self) -> impl Iterator<Item = &Shard> {
        let slots = [&self.prompt].into_iter().chain(&self.calm);
        slots.map(|slot| &slot.shard)
    }

    fn left(&self) -> Step {
        let mut slots = [&self.prompt].into_iter().chain(&self.calm);
        match slots.any(|slot| slot.left == Step::More) {
            true => Step::More,
            false => Step::Done,
        }
    }
}

#[cfg(test)]
mod tests;
