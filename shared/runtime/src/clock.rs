//! Time as an argument.

mod steady;
mod system;

use std::time::Instant;

pub use steady::SteadyClock;
pub use system::SystemClock;

/// Where the time comes from. Tests bring their own.
pub trait Clock: Send + Sync + 'static {
    /// Unix microseconds now. May jump, also backwards.
    fn now_us(&self) -> u64;

    /// Time that only passes: for how long something takes, whatever happens to the wall clock.
    fn instant(&self) -> Instant {
        Instant::now()
    }
}
