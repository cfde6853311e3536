//! The mark before a group of records.
//!
//! It is written only after everything before it was synced. So a damaged frame before a mark was durable once: that is
//! corruption, and not the torn end of the last write.

use memchr::memmem;

use super::frame::{self, Found};
use super::u64_at;

/// The first byte of the payload. Neither it nor the following bytes occur in UTF-8, so no event can contain a mark.
pub(crate) const KIND: u8 = frame::MARK;

const PATTERN: [u8; 8] = [KIND, 0xff, 0xc0, 0xfe, 0xff, 0xc1, 0xfe, 0xff];

/// Bytes of a mark.
pub(crate) const LEN: usize = frame::PREFIX + PATTERN.len() + 8;

/// Appends a mark to `out`, for the offset `at` in its file.
pub(crate) fn write(out: &mut Vec<u8>, at: u64) {
    let begin = frame::begin(out);
    out.extend_from_slice(&PATTERN);
    out.extend_from_slice(&at.to_le_bytes());
    frame::end(out, begin);
}

/// Whether `payload` is a mark for the offset `at`.
pub(crate) fn is_at(payload: &[u8], at: u64) -> bool {
    payload.len() == LEN - frame::PREFIX
        && payload.starts_with(&PATTERN)
        && u64_at(payload, PATTERN.len()) == Some(at)
}

/// The first mark in `bytes`, which start at the offset `base` of their file.
pub(crate) fn find(bytes: &[u8], base: u64) -> Option<u64> {
    memmem::find_iter(bytes, &PATTERN).find_map(|found| {
        let begin = found.checked_sub(frame::PREFIX)?;
        let at = base + begin as u64;
        match frame::read(&bytes[begin..]) {
            Found::Frame(frame) if is_at(frame.payload, at) => Some(at),
            _ => None,
        }
    })
}
