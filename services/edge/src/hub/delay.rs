//! The delays that a worker supports.

use std::time::Duration;

/// Few, because each delay in use has its own shard, which routes every event again. Shorter delays would not differ from the
/// longest interval between prompt flushes.
pub(super) const DELAYS: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_millis(1000),
];

/// The longest supported delay that does not exceed the requested one; zero: none.
pub(crate) fn delay_within(asked: Duration) -> Duration {
    let fitting = DELAYS.into_iter().filter(|&delay| delay <= asked);
    fitting.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_is_rounded_down() {
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
