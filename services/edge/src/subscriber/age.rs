//! How old a connection may become: clients that reconnect from time to time find the nodes that were added since.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Ages at which connections are ended. Those that began together do not end together.
#[derive(Debug)]
pub(crate) struct Ages {
    longest: Duration,
    drawn: AtomicU32,
}

/// 2^32 divided by the golden ratio: its multiples fill the circle evenly, however many there are.
const GOLDEN: u32 = 0x9e37_79b9;

impl Ages {
    /// Zero: no connection is too old.
    pub(crate) fn new(longest: Duration) -> Self {
        Self {
            longest,
            drawn: AtomicU32::new(0),
        }
    }

    /// The age of the next connection: between four fifths of the longest and all of it.
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
        assert_eq!(Ages::new(Duration::ZERO).draw(), None);
    }

    #[test]
    fn those_who_began_together_end_apart() {
        let ages = Ages::new(Duration::from_secs(1000));
        let mut drawn: Vec<_> = (0..200).filter_map(|_| ages.draw()).collect();
        drawn.sort();
        assert_eq!(drawn.len(), 200);
        assert!(drawn[0] >= Duration::from_secs(800));
        assert!(drawn[199] <= Duration::from_secs(1000));
        // Of 200 seconds each has about one.
        let widest = drawn.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(widest < Some(Duration::from_secs(3)), "{widest:?}");
    }
}
