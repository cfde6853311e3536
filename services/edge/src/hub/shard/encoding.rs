//! Bookkeeping for frames encoded on demand.

use super::Shard;
use crate::metrics::EncodedCounts;
use crate::tail::Compression;

impl Shard {
    /// The same shard with another dictionary or level.
    #[must_use]
    pub fn compressing_with(mut self, compression: Compression) -> Self {
        self.encoder = super::encoder(compression, &self.ring, &self.page_requests);
        self
    }

    /// Counts the encoded frames and frees memory for them.
    pub(super) fn note_encoded(&mut self) {
        let made = self.encoder.take_made();
        if made != EncodedCounts::default() {
            self.metrics.encoded(made);
            self.ring.trim();
            self.page_requests.trim();
        }
    }
}
