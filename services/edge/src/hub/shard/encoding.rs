//! What a shard does beside delivering when it makes frames on demand.

use std::sync::Arc;

use super::Shard;
use crate::tail::{Compression, Encoder, Made};

impl Shard {
    /// The same shard with another dictionary or level than the usual ones.
    #[must_use]
    pub fn compressing_with(mut self, compression: Compression) -> Self {
        self.encoder = Encoder::new(compression, Arc::clone(self.ring.encoded()));
        self
    }

    /// Counts what was made, and makes room for it.
    pub(super) fn note_encoded(&mut self) {
        let made = self.encoder.take_made();
        if made != Made::default() {
            self.metrics.encoded(made);
            self.ring.trim();
        }
    }
}
