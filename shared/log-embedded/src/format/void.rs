//! Seqs that hold no event, in a copy of a log whose numbering has holes.
//!
//! ```text
//! payload = kind u8, 7 zeros, first seq u64, last seq u64
//! ```
//!
//! Explicit, so that a lost record can never pass for a hole.

use fanjet_log::Seq;

use super::frame;
use super::u64_at;

/// The first byte of the payload.
pub(super) const KIND: u8 = frame::VOID;

/// Bytes of a void's frame.
pub(crate) const LEN: usize = frame::PREFIX + 24;

/// Appends to `out` that the seqs `first..=last` hold no event.
pub(crate) fn write(out: &mut Vec<u8>, first: Seq, last: Seq) {
    let begin = frame::begin(out);
    out.extend_from_slice(&[KIND, 0, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(&first.to_le_bytes());
    out.extend_from_slice(&last.to_le_bytes());
    frame::end(out, begin);
}

/// The first and the last seq; `None` if `payload` is not a void.
pub(crate) fn read(payload: &[u8]) -> Option<(Seq, Seq)> {
    let is_whole =
        payload.len() == LEN - frame::PREFIX && payload[..8] == [KIND, 0, 0, 0, 0, 0, 0, 0];
    let (first, last) = (u64_at(payload, 8)?, u64_at(payload, 16)?);
    (is_whole && first > 0 && first <= last && last < Seq::MAX).then_some((first, last))
}
