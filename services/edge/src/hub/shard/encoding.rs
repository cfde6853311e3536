//! What a shard does beside delivering when it makes frames on demand.

use super::Shard;
use crate::metrics::Made;
use crate::tail::Compression;

impl Shard {
    /// The same shard with another dictionary or level than the usual ones.
    #[must_use]
    pub fn compressing_with(mut self, compression: Compression) -> Self {
        self.encoder = super::encoder(compression, &self.ring, &self.desk);
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
