//! The bytes of a segment file. Pure: nothing here opens a file.
//!
//! ```text
//! segment = header, frame*, [footer frame, trailer]
//! frame   = length u32, checksum u32, payload; the payload's first byte is its kind
//! ```
//!
//! Numbers are little-endian. The checksum is the CRC-32 of the length and the payload, so that a flipped bit in either
//! is detected. There are four kinds of frames: a [record](record) is one event; a [void](void) stands for seqs without one; a
//! [mark](mark) precedes each group of records and proves that everything before it was durable; a [footer](footer) ends a
//! finished segment.

pub(crate) mod header;
pub(crate) mod frame;
pub(crate) mod record;
pub(crate) mod void;
pub(crate) mod covers;
pub(crate) mod mark;
pub(crate) mod points;
pub(crate) mod footer;

/// A little-endian number at `at`.
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// A little-endian number at `at`.
fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(8)?)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests;
