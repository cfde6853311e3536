//! A ranked choice: the item of rank r is drawn with a weight of 1 / (r + 3)^s.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

#[derive(Debug)]
pub(crate) struct Zipf {
    /// Running sums of the weights; the last one is their total.
    sums: Vec<f64>,
}

impl Zipf {
    pub(crate) fn new(items: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let sums = (0..items)
            .map(|rank| {
                sum += (rank as f64 + 3.0).powf(-exponent);
                sum
            })
            .collect();
        Self { sums }
    }

    /// Draws a rank.
    pub(crate) fn draw(&self, rng: &mut ChaCha8Rng) -> usize {
        let at = rng.random_range(0.0..1.0) * self.total();
        self.sums
            .partition_point(|sum| *sum <= at)
            .min(self.sums.len().saturating_sub(1))
    }

    /// The probability of a rank.
    pub(crate) fn share(&self, rank: usize) -> f64 {
        let before = rank.checked_sub(1).map_or(0.0, |before| self.sums[before]);
        (self.sums[rank] - before) / self.total()
    }

    fn total(&self) -> f64 {
        self.sums.last().copied().unwrap_or(1.0)
    }
}
