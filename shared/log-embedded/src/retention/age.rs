//! The time by which the log ages.
//!
//! Forgetting cannot be undone, and the wall clock can be wrong: by days, in either direction, before the process starts
//! or while it runs. So the log's own time follows the wall clock, but never runs ahead faster than [`CATCH_UP`]. A clock that
//! steps forward for a minute costs a minute of the oldest events; one that stays wrong leaves an operator hours to see
//! it. The other way round, a log whose process stood still for days keeps expired events for longer, never fewer.

use std::time::{Duration, Instant};

use tracing::{info, warn};

/// How many times as fast as time passes the log may age.
const CATCH_UP: u32 = 2;
/// A lag behind the wall clock that is worth telling.
const TOLD: Duration = Duration::from_secs(60);

/// How far the log has aged.
#[derive(Debug)]
pub(crate) struct Age {
    /// Unix microseconds.
    now: u64,
    at: Instant,
    is_behind: bool,
}

impl Age {
    /// At opening nothing is older than it may be: when the log was open last, it was not. `expires` is when the oldest
    /// segment does, in Unix microseconds; `grace` is how long before that the log begins to age, so that a process that
    /// opens it again and again under a wrong clock takes nothing with it each time.
    pub(crate) fn new(wall: u64, at: Instant, expires: Option<u64>, grace: Duration) -> Self {
        let begin = expires.map(|expires| expires.saturating_sub(micros(grace)));
        Self {
            now: begin.map_or(wall, |begin| wall.min(begin)),
            at,
            is_behind: false,
        }
    }

    /// The time by which to forget now.
    pub(crate) fn advance(&mut self, wall: u64, at: Instant) -> u64 {
        let passed = at.saturating_duration_since(self.at);
        self.at = at;
        self.now = wall.min(self.now.saturating_add(micros(passed * CATCH_UP)));
        self.tell(wall - self.now);
        self.now
    }

    fn tell(&mut self, behind: u64) {
        if !self.is_behind && behind > micros(TOLD) {
            self.is_behind = true;
            warn!(
                behind = ?Duration::from_micros(behind),
                "the clock has stepped forward, or the log was closed for long: events are kept for longer, \
                 forgetting goes at most {CATCH_UP} times as fast as time until it has caught up"
            );
        } else if self.is_behind && behind == 0 {
            self.is_behind = false;
            info!("the age of the log agrees with the clock again");
        }
    }
}

/// In microseconds.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
