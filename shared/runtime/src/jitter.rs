//! The randomness of pauses.

use std::cell::RefCell;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

thread_local! {
    static SEEDED: RefCell<Option<StdRng>> = const { RefCell::new(None) };
}

/// Draws on this thread follow `seed` from now on, so that a simulation can be repeated. Nothing else may call it.
pub fn seed_jitter(seed: u64) {
    SEEDED.set(Some(StdRng::seed_from_u64(seed)));
}

/// Between 0.5 and 1.
pub(crate) fn fraction() -> f64 {
    let range = 0.5..=1.0;
    SEEDED.with_borrow_mut(|seeded| match seeded {
        Some(seeded) => seeded.random_range(range),
        None => rand::rng().random_range(range),
    })
}
