//! Time as an argument.

use std::time::Instant;

/// Where the time comes from. Tests bring their own.
pub trait Clock: Send + Sync + 'static {
    /// Unix microseconds now. May jump, also backwards.
    fn now_us(&self) -> u64;

    /// Time that only passes: for how long something takes, whatever happens to the wall clock.
    fn instant(&self) -> Instant {
        Instant::now()
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where the wall clock is read"
    )]
    fn now_us(&self) -> u64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_micros().try_into().unwrap_or(u64::MAX))
    }
}
