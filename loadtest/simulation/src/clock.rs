//! The wall clock of the simulation: the runtime's own time, counted from a fixed day.

use std::time::Duration;

use fanjet_runtime::Clock;
use tokio::time::Instant;

/// A clock that moves only with the simulated time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VirtualClock {
    start_us: u64,
    began: Instant,
}

impl VirtualClock {
    /// Shows `start_us` now.
    pub(crate) fn starting_at(start_us: u64) -> Self {
        Self {
            start_us,
            began: Instant::now(),
        }
    }

    /// Simulated time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

impl Clock for VirtualClock {
    fn now_us(&self) -> u64 {
        self.start_us + u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn instant(&self) -> std::time::Instant {
        Instant::now().into_std()
    }
}
