//! All randomness of a run. One seed, one sequence of draws.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A shared source of random draws.
#[derive(Debug, Clone)]
pub(crate) struct Dice(Arc<Mutex<ChaCha8Rng>>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(seed))))
    }

    /// An independent source, so that the draws of one part do not shift those of another.
    pub(crate) fn split(&self) -> Self {
        Self::new(self.0.lock().random())
    }

    pub(crate) fn number(&self, range: Range<u64>) -> u64 {
        self.0.lock().random_range(range)
    }

    pub(crate) fn index(&self, length: usize) -> usize {
        self.0.lock().random_range(0..length)
    }

    pub(crate) fn chance(&self, share: f64) -> bool {
        self.0.lock().random_bool(share)
    }

    pub(crate) fn millis(&self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.number(range))
    }

    pub(crate) fn seconds(&self, range: Range<u64>) -> Duration {
        Duration::from_secs(self.number(range))
    }

    pub(crate) fn pick<'a, T>(&self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }
}
