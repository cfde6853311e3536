//! How long subscribers let their events wait, as far as a worker distinguishes it.

use std::time::Duration;

/// Each one that is in use has a shard of its own, which routes every event again: so they are few. What is shorter than the
/// least is what the longest pause between two prompt flushes may be anyway.
pub(super) const DELAYS: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_millis(1000),
];

/// The longest delay that is kept to and not above the one that was asked for; zero: none.
pub(crate) fn delay_within(asked: Duration) -> Duration {
    let fitting = DELAYS.into_iter().filter(|&delay| delay <= asked);
    fitting.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_event_waits_longer_than_asked_for() {
        for (asked, delay) in [
            (0, 0),
            (99, 0),
            (100, 100),
            (249, 100),
            (999, 500),
            (1000, 1000),
        ] {
            let of = Duration::from_millis;
            assert_eq!(delay_within(of(asked)), of(delay));
        }
        assert_eq!(
            DELAYS.into_iter().max(),
            Some(Duration::from_millis(fanjet_filter::MAX_DELAY_MS))
        );
    }
}
