//! How fast the past is read, and how much of it at once. Pure.

use std::time::Duration;

/// The seqs of the first segment of the past.
const FIRST_SPAN: u64 = 4_096;
/// The fewest and the most seqs of one.
const SPANS: std::ops::RangeInclusive<u64> = 64..=1 << 20;

/// How long to pause after so many bytes, at so many bytes a second.
pub(super) fn pause(bytes: u64, per_second: u64) -> Duration {
    Duration::from_secs_f64(bytes as f64 / per_second.max(1) as f64)
}

/// How many seqs the next segment of the past gets, so that it has about the bytes of a full segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span(u64);

impl Default for Span {
    fn default() -> Self {
        Self(FIRST_SPAN)
    }
}

impl Span {
    /// The seqs.
    pub(super) fn seqs(self) -> u64 {
        self.0
    }

    /// Adapts to the bytes that a segment of this span had.
    pub(super) fn note(&mut self, bytes: u64, wanted: u64) {
        let next = match bytes {
            few if few < wanted / 2 => self.0 * 2,
            many if many > wanted * 2 => self.0 / 4,
            _ => self.0,
        };
        self.0 = next.clamp(*SPANS.start(), *SPANS.end());
    }
}

#[cfg(test)]
mod tests;
