//! The simulated clock. Nothing in the world reads the wall clock.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Unix microseconds that move a little with every frame.
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

    /// Moves on by the configured step on average, never backwards.
    pub(crate) fn advance(&mut self, rng: &mut ChaCha8Rng) {
        self.now_us += rng.random_range(0..=2 * self.step_us);
    }
}

/// RFC 3339 in UTC with milliseconds, the form of frame times: `2026-07-04T14:38:07.517Z`.
pub(crate) fn rfc3339_millis(unix_us: u64) -> String {
    let (year, month, day) = civil_date(unix_us / 86_400_000_000);
    let millis = unix_us / 1000 % 86_400_000;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        millis / 3_600_000,
        millis / 60_000 % 60,
        millis / 1000 % 60,
        millis % 1000
    )
}

/// The Gregorian date of a day since 1970-01-01. Years are counted from March, so that a leap day is a year's
/// last day, in eras of 400 years.
fn civil_date(days: u64) -> (u64, u64, u64) {
    const DAYS_PER_ERA: u64 = 146_097;
    let days = days + 719_468;
    let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year_of_era + carry, month, day)
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
