//! The machine's clock.

use std::sync::LazyLock;

use super::{Clock, SteadyClock};

/// The machine's clock, made [steady](SteadyClock). One per process, so that all readers see the same time.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_us(&self) -> u64 {
        static STEADY: LazyLock<SteadyClock<MachineClock>> =
            LazyLock::new(|| SteadyClock::new(MachineClock));
        STEADY.now_us()
    }
}

/// The machine's time, right or wrong.
#[derive(Debug, Clone, Copy)]
struct MachineClock;

impl Clock for MachineClock {
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
