//! What a shard does beside delivering when it makes frames on demand.

use std::sync::Arc;

use super::Shard;
use crate::metrics::Made;
use crate::replay::Desk;
use crate::tail::{Compression, Encoder, Ring};

impl Shard {
    /// The same shard with another dictionary or level than the usual ones.
    #[must_use]
    pub fn compressing_with(mut self, compression: Compression) -> Self {
        self.encoder = encoder(compression, &self.ring, &self.desk);
        self
    }

    /// Counts what was made, and makes room for it.
    pub(super) fn note_encoded(&mut self) {
        let made = self.encoder.take_made();
        if made != Made::default() {
            self.metrics.encoded(made);
            self.ring.trim();
            self.desk.trim();
        }
    }
}

/// What is made of the ring's events takes the ring's memory, and what is made of pages that of the pages.
pub(super) fn encoder(compression: Compression, ring: &Ring, desk: &Desk) -> Encoder {
    Encoder::new(compression, Arc::clone(ring.encoded()))
        .counting_pages_in(Arc::clone(desk.encoded()))
}
