//! Time as an argument.

mod steady;
mod system;

use std::time::Instant;

pub use steady::SteadyClock;
pub use system::SystemClock;

/// A source of time. Tests bring their own.
pub trait Clock: Send + Sync + 'static {
    /// Unix microseconds. May jump, also backwards.
    fn now_us(&self) -> u64;

    /// Monotonic time: for durations, whatever happens to the wall clock.
    fn instant(&self) -> Instant {
        Instant::now()
    }
}
