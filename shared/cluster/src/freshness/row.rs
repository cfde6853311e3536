//! One collection.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::silence::Baseline;

/// Time constant of the usual rate in seconds: after this time an event counts a third.
const MEMORY: f64 = 6.0 * 3600.0;
/// Time constant of the current rate.
const BRIEF_MEMORY: f64 = 60.0;
/// Time constant of the longest pause.
const PAUSE_MEMORY: f64 = 48.0 * 3600.0;
/// Length of a slot. A collection is either present in a slot or not, however many events it has: an import of ten
/// thousand records in one minute is not a habit.
const SLOT: f64 = 10.0;

/// What is known about one collection. Times without a unit in their name are seconds of flow time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its NSID; `#identity`, `#account` and `#sync` for events that are not commits.
    pub name: Arc<str>,
    /// When it was last seen, in Unix microseconds.
    pub last_us: u64,
    /// Events since it was first seen.
    pub events: u64,
    first: f64,
    seen: f64,
    /// Events, decayed to `seen`.
    volume: f64,
    /// Slots, decayed to `seen`.
    slots: f64,
    longest_pause: f64,
    /// Events of about the last minute, as of the last roll.
    brief: f64,
    /// Not included in the rates yet.
    #[serde(skip)]
    recent: u64,
}

impl Row {
    pub(super) fn new(name: Arc<str>, first: f64) -> Self {
        Self {
            name,
            last_us: 0,
            events: 0,
            first,
            seen: first,
            volume: 0.0,
            slots: 0.0,
            longest_pause: 0.0,
            brief: 0.0,
            recent: 0,
        }
    }

    pub(super) fn count(&mut self, now_us: u64) {
        self.recent += 1;
        self.last_us = now_us;
    }

    /// Adds the events counted in the last `passed` seconds to the rates. Returns their number.
    pub(super) fn roll(&mut self, at: f64, passed: f64) -> u64 {
        let new = std::mem::take(&mut self.recent);
        self.brief = self.brief * kept(passed, BRIEF_MEMORY) + new as f64;
        if new > 0 {
            let pause = (at - self.seen).max(0.0);
            let is_new_slot = self.slots == 0.0 || slot_of(at) > slot_of(self.seen);
            self.volume = self.volume * kept(pause, MEMORY) + new as f64;
            self.slots = self.slots * kept(pause, MEMORY) + f64::from(u8::from(is_new_slot));
            self.longest_pause = (self.longest_pause * kept(pause, PAUSE_MEMORY)).max(pause);
            self.seen = at;
            self.events += new;
        }
        new
    }

    /// Whether any roll has included an event.
    pub fn is_seen(&self) -> bool {
        self.events > 0
    }

    /// Recent events per second.
    pub fn rate_now(&self, at: f64) -> f64 {
        self.brief / weight((at - self.first).max(1.0), BRIEF_MEMORY)
    }

    /// Usual events per second over the hours before it was last seen.
    pub fn usual_rate(&self) -> f64 {
        self.volume / weight(self.history().max(SLOT), MEMORY)
    }

    /// Its weight: the rows with the lowest weight are evicted first.
    pub fn volume(&self) -> f64 {
        self.volume
    }

    /// Seconds since it was last seen.
    pub fn silence(&self, at: f64) -> f64 {
        (at - self.seen).max(0.0)
    }

    /// Its baseline.
    pub fn usual(&self) -> Baseline {
        let slots = weight(self.history() + SLOT, MEMORY) / SLOT;
        Baseline {
            slots: self.slots,
            gap: SLOT * slots / self.slots.max(f64::MIN_POSITIVE),
            longest_pause: self.longest_pause,
            history: self.history(),
        }
    }

    /// Whether its silence is unusual for its own rhythm.
    pub fn is_silent(&self, at: f64) -> bool {
        self.usual()
            .bound()
            .is_some_and(|bound| self.silence(at) > bound)
    }

    /// The same row relative to a clock that is ahead.
    pub(super) fn shifted(mut self, seconds: f64) -> Self {
        self.first += seconds;
        self.seen += seconds;
        self
    }

    /// Merges two rows of one collection; `later` started after `self` ended.
    pub(super) fn followed_by(mut self, later: Self) -> Self {
        if later.events > 0 {
            let pause = (later.first - self.seen).max(0.0);
            let since = (later.seen - self.seen).max(0.0);
            self.volume = self.volume * kept(since, MEMORY) + later.volume;
            self.slots = self.slots * kept(since, MEMORY) + later.slots;
            self.longest_pause = self.longest_pause.max(pause).max(later.longest_pause);
            self.seen = self.seen.max(later.seen);
            self.events += later.events;
        }
        self.last_us = self.last_us.max(later.last_us);
        self.brief += later.brief;
        self.recent += later.recent;
        self
    }

    /// Rounds to thousandths: more digits are noise that costs bytes.
    pub(super) fn rounded(&self) -> Self {
        let rounded = |value: f64| (value * 1e3).round() / 1e3;
        Self {
            first: rounded(self.first),
            seen: rounded(self.seen),
            volume: rounded(self.volume),
            slots: rounded(self.slots),
            longest_pause: rounded(self.longest_pause),
            brief: rounded(self.brief),
            ..self.clone()
        }
    }

    fn history(&self) -> f64 {
        (self.seen - self.first).max(0.0)
    }
}

/// The decay factor after some time.
fn kept(seconds: f64, memory: f64) -> f64 {
    (-seconds / memory).exp()
}

/// The effective length of a memory that started this long ago.
fn weight(seconds: f64, memory: f64) -> f64 {
    memory * (1.0 - kept(seconds, memory))
}

fn slot_of(at: f64) -> f64 {
    (at / SLOT).floor()
}
