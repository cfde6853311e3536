//! The simulated clock. Nothing in the world reads the wall clock.

use std::time::{Duration, UNIX_EPOCH};

use humantime::format_rfc3339_millis;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Unix microseconds that advance a little with every frame.
#[derive(Debug)]
pub(crate) struct Clock {
    now_us: u64,
    step_us: u64,
}

impl Clock {
    pub(crate) fn new(start_us: u64, step_us: u64) -> Self {
        Self {
            now_us: start_us,
            step_us,
        }
    }

    pub(crate) fn now_us(&self) -> u64 {
        self.now_us
    }

    /// Advances by the configured step on average, never backwards.
    pub(crate) fn advance(&mut self, rng: &mut ChaCha8Rng) {
        self.now_us += rng.random_range(0..=2 * self.step_us);
    }
}

/// RFC 3339 in UTC with milliseconds, the form of frame times: `2026-07-04T14:38:07.517Z`.
pub(crate) fn rfc3339_millis(unix_us: u64) -> String {
    format_rfc3339_millis(UNIX_EPOCH + Duration::from_micros(unix_us)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        for (us, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999_999, "2024-02-29T23:59:59.999Z"),
            (1_783_175_887_517_000, "2026-07-04T14:38:07.517Z"),
        ] {
            assert_eq!(rfc3339_millis(us), text);
        }
    }
}
