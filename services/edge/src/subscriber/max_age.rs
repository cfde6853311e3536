//! The maximum age of connections: a client that has to reconnect may reach a newly added node.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Draws maximum ages, spread so that connections that started together do not end together.
#[derive(Debug)]
pub(crate) struct MaxAge {
    longest: Duration,
    drawn: AtomicU32,
}

/// 2^32 divided by the golden ratio: its multiples are spread evenly over the circle.
const GOLDEN: u32 = 0x9e37_79b9;

impl MaxAge {
    /// Zero: no limit.
    pub(crate) fn new(longest: Duration) -> Self {
        Self {
            longest,
            drawn: AtomicU32::new(0),
        }
    }

    /// The maximum age of the next connection: between four fifths of the limit and all of it.
    pub(crate) fn draw(&self) -> Option<Duration> {
        if self.longest.is_zero() {
            return None;
        }
        let drawn = self.drawn.fetch_add(1, Ordering::Relaxed);
        let fraction = f64::from(drawn.wrapping_mul(GOLDEN)) / f64::from(u32::MAX);
        Some(self.longest.mul_f64(1.0 - fraction / 5.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_limit_none_is_drawn() {
        assert_eq!(MaxAge::new(Duration::ZERO).draw(), None);
    }

    #[test]
    fn maximum_ages_are_spread() {
        let max_age = MaxAge::new(Duration::from_secs(1000));
        let mut drawn: Vec<_> = (0..200).filter_map(|_| max_age.draw()).collect();
        drawn.sort();
        assert_eq!(drawn.len(), 200);
        assert!(drawn[0] >= Duration::from_secs(800));
        assert!(drawn[199] <= Duration::from_secs(1000));
        // About one connection per second in a range of 200 seconds.
        let widest = drawn.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(widest < Some(Duration::from_secs(3)), "{widest:?}");
    }
}
