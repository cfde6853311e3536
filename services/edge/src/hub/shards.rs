//! The subscribers of one worker thread: one shard for prompt delivery, and one per requested delay.
//!
//! A delayed shard is flushed once per delay. It buffers nothing: its position stands still and the events stay in the ring,
//! as for a member that is behind.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use fanjet_event::TimeUs;
use fanjet_filter::{Encoding, Filter};
use fanjet_wire::close::CloseReason;
use tokio::time::Instant;

use super::delay::delay_within;
use super::member::Member;
use super::shard::{CatchUp, Shard, StepOutcome};
use crate::damage::Damage;
use crate::replay::{Page, Start};

/// Shared by the hub and the feeds of a worker, all on one thread.
pub type SharedShards = Rc<RefCell<Shards>>;

/// Which shards to flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// The delayed shards that are due, if any.
    Delayed,
    /// Those, and the prompt shard.
    All,
}

/// The subscribers of one worker thread.
#[derive(Debug)]
pub struct Shards {
    prompt: Slot,
    /// Unordered; created when a delay is first requested, and kept.
    delayed: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    shard: Shard,
    delay: Duration,
    flushed: Option<Instant>,
    /// The outcome of its last step.
    left: StepOutcome,
}

impl Slot {
    fn new(shard: Shard, delay: Duration) -> Self {
        Self {
            shard,
            delay,
            flushed: None,
            left: StepOutcome::Done,
        }
    }

    /// When it may be flushed, if it has events for a member.
    fn due(&self, now: Instant) -> Option<Instant> {
        let due = self.flushed.map_or(now, |flushed| flushed + self.delay);
        self.shard.is_wanted().then_some(due)
    }

    fn step(&mut self, now: Instant) {
        if self.left == StepOutcome::Done {
            self.flushed = Some(now);
        }
        self.left = self.shard.step();
    }
}

impl Shards {
    /// Without members; `shard` delivers promptly.
    pub fn new(shard: Shard) -> Self {
        Self {
            prompt: Slot::new(shard, Duration::ZERO),
            delayed: Vec::new(),
        }
    }

    /// Adds a subscriber with prompt delivery.
    pub fn join(&mut self, filter: Filter, encoding: Encoding, start: Start) -> Rc<Member> {
        self.prompt.shard.join(filter, encoding, start)
    }

    /// As [`Shards::join`], for a subscriber that receives nothing before its first [`Shards::set_filter`].
    pub fn join_waiting(&mut self, encoding: Encoding, start: Start) -> Rc<Member> {
        self.prompt.shard.join_waiting(encoding, start)
    }

    /// Sets the maximum delay of a member's events. Its queue stays as it is.
    pub fn set_delay(&mut self, member: &Rc<Member>, asked: Duration) {
        let delay = delay_within(asked);
        if delay == member.delay() {
            return;
        }
        let Some(moving_member) = self.of(member).hand_over(member) else {
            return;
        };
        if !delay.is_zero() && self.delayed.iter().all(|slot| slot.delay != delay) {
            let shard = self.prompt.shard.sibling();
            self.delayed.push(Slot::new(shard, delay));
        }
        member.set_delay(delay);
        self.of(member).take_in(member, moving_member);
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

    /// Routes the next part of what is due, or continues the previous step.
    pub fn step(&mut self, flush: Flush, now: Instant) -> StepOutcome {
        for slot in &mut self.delayed {
            // Independent of the load of the other shards.
            let is_due = slot.due(now).is_some_and(|due| due <= now);
            if slot.left == StepOutcome::More || is_due {
                slot.step(now);
            }
        }
        if self.prompt.left == StepOutcome::More || flush == Flush::All {
            self.prompt.step(now);
        }
        self.left()
    }

    /// When the next delayed flush is due, if events wait for one.
    pub fn next_delayed(&self, now: Instant) -> Option<Instant> {
        self.delayed.iter().filter_map(|slot| slot.due(now)).min()
    }

    /// Whether no member wants events now.
    pub fn is_idle(&self) -> bool {
        self.all().all(Shard::is_idle)
    }

    /// All members in any state.
    pub fn members(&self) -> Vec<Rc<Member>> {
        self.all().flat_map(Shard::members).collect()
    }

    /// As [`Shard::close_all`].
    pub fn close_all(&mut self, reason: &CloseReason) {
        self.prompt.shard.close_all(reason);
        for slot in &mut self.delayed {
            slot.shard.close_all(reason);
        }
    }

    /// As [`Shard::written_up_to`].
    pub fn written_up_to(&self, member: &Member) -> Option<TimeUs> {
        let mut delayed = self.delayed.iter();
        let slot = delayed.find(|slot| slot.delay == member.delay());
        slot.unwrap_or(&self.prompt).shard.written_up_to(member)
    }

    /// Number of lanes.
    pub fn lanes(&self) -> usize {
        self.all().map(Shard::lanes).sum()
    }

    /// The shard of a member, or the one that it would join.
    pub fn of(&mut self, member: &Member) -> &mut Shard {
        let mut delayed = self.delayed.iter_mut();
        let slot = delayed.find(|slot| slot.delay == member.delay());
        &mut slot.unwrap_or(&mut self.prompt).shard
    }

    fn all(&self) -> impl Iterator<Item = &Shard> {
        let slots = [&self.prompt].into_iter().chain(&self.delayed);
        slots.map(|slot| &slot.shard)
    }

    fn left(&self) -> StepOutcome {
        let mut slots = [&self.prompt].into_iter().chain(&self.delayed);
        match slots.any(|slot| slot.left == StepOutcome::More) {
            true => StepOutcome::More,
            false => StepOutcome::Done,
        }
    }
}

#[cfg(test)]
mod tests;
