//! The log's own clock for retention.
//!
//! Removal cannot be undone, and the wall clock can be wrong: by days, in either direction, before the process starts
//! or while it runs. So the log's own time follows the wall clock, but never runs faster than [`CATCH_UP`] times real
//! time. A clock that is ahead for a minute costs a minute of the oldest events; one that stays wrong leaves an
//! operator hours to notice. Conversely, a log whose process was stopped for days keeps expired events longer, never
//! shorter.

use std::time::{Duration, Instant};

use tracing::{info, warn};

/// Maximum speed of the log's time, relative to real time.
const CATCH_UP: u32 = 2;
/// A lag behind the wall clock that is logged.
const LOGGED: Duration = Duration::from_secs(60);

/// The age of the log.
#[derive(Debug)]
pub(crate) struct Age {
    /// Unix microseconds.
    now: u64,
    at: Instant,
    is_behind: bool,
}

impl Age {
    /// When the log is opened nothing is too old, since nothing was when it was open last. `expires` is when the oldest
    /// segment expires, in Unix microseconds; `grace` is how long before that the log's time starts, so that a process
    /// that opens it repeatedly under a wrong clock removes nothing each time.
    pub(crate) fn new(wall: u64, at: Instant, expires: Option<u64>, grace: Duration) -> Self {
        let begin = expires.map(|expires| expires.saturating_sub(micros(grace)));
        Self {
            now: begin.map_or(wall, |begin| wall.min(begin)),
            at,
            is_behind: false,
        }
    }

    /// The current time for retention.
    pub(crate) fn advance(&mut self, wall: u64, at: Instant) -> u64 {
        let passed = at.saturating_duration_since(self.at);
        self.at = at;
        self.now = wall.min(self.now.saturating_add(micros(passed * CATCH_UP)));
        self.log_lag(wall - self.now);
        self.now
    }

    fn log_lag(&mut self, behind: u64) {
        if !self.is_behind && behind > micros(LOGGED) {
            self.is_behind = true;
            warn!(
                behind = ?Duration::from_micros(behind),
                "the clock stepped forward, or the log was closed for long: keeping events longer, \
                 forgetting goes at most {CATCH_UP} times as fast as time until it has caught up"
            );
        } else if self.is_behind && behind == 0 {
            self.is_behind = false;
            info!("retention has caught up with the clock");
        }
    }
}

/// In microseconds.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
