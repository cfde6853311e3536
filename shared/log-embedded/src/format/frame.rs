//! Length and checksum around all data.

use fanjet_log::MAX_FRAME;

use super::u32_at;

/// The kinds of records are the kinds of topics: commit, identity, account, sync, raw frame.
const LAST_RECORD: u8 = 5;
/// The kind of a void.
pub(super) const VOID: u8 = 0xfc;
/// The kind of a mark.
pub(super) const MARK: u8 = 0xfd;
/// Bytes before the payload.
pub(crate) const PREFIX: usize = 8;
/// Longest payload: a record with the largest body (a raw frame), collection, upstream and time; or a footer.
pub(crate) const MAX_PAYLOAD: usize = MAX_FRAME + (64 << 10);

/// A whole frame with a valid checksum, or one whose checksum was verified before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// The first byte of the payload.
    pub(crate) kind: u8,
    /// The rest of the payload.
    pub(crate) payload: &'a [u8],
}

/// The result of parsing a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// The start of a frame that needs this many bytes.
    Short(usize),
    /// Not a frame.
    Bad(&'static str),
}

impl Frame<'_> {
    /// Bytes with the prefix.
    pub(crate) fn len(&self) -> usize {
        PREFIX + self.payload.len()
    }

    /// Whether it is an event.
    pub(crate) fn is_record(&self) -> bool {
        self.kind <= LAST_RECORD
    }

    /// Whether it stands for seqs without an event.
    pub(crate) fn is_void(&self) -> bool {
        self.kind == VOID
    }

    /// Whether it accounts for seqs.
    pub(crate) fn has_seqs(&self) -> bool {
        self.is_record() || self.is_void()
    }

    /// Whether it is a mark.
    pub(crate) fn is_mark(&self) -> bool {
        self.kind == MARK
    }
}

/// Starts a frame at the end of `out`; bytes appended next are its payload. Returns its offset.
pub(crate) fn begin(out: &mut Vec<u8>) -> usize {
    let at = out.len();
    out.extend_from_slice(&[0; PREFIX]);
    at
}

/// Ends the frame that starts at `at`.
pub(crate) fn end(out: &mut [u8], at: usize) {
    let frame = &mut out[at..];
    // A payload is far below 4 GiB: bounded by the largest body, or the number of points of a segment.
    let length = u32::try_from(frame.len() - PREFIX).unwrap_or(u32::MAX);
    frame[..4].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(&frame[..4], &frame[PREFIX..]);
    frame[4..PREFIX].copy_from_slice(&checksum.to_le_bytes());
}

/// The frame at the start of `bytes`, verified.
pub(crate) fn read(bytes: &[u8]) -> Found<'_> {
    let found = read_trusted(bytes);
    if let Found::Frame(frame) = found
        && u32_at(bytes, 4) != Some(checksum(&bytes[..4], frame.payload))
    {
        return Found::Bad("checksum mismatch");
    }
    found
}

/// The frame at the start of `bytes` that were verified before.
pub(crate) fn read_trusted(bytes: &[u8]) -> Found<'_> {
    let Some(length) = u32_at(bytes, 0) else {
        return Found::Short(PREFIX);
    };
    let length = length as usize;
    if length == 0 || length > MAX_PAYLOAD {
        return Found::Bad("invalid length");
    }
    match bytes.get(PREFIX..PREFIX + length) {
        Some(payload) => Found::Frame(Frame {
            kind: payload[0],
            payload,
        }),
        None => Found::Short(PREFIX + length),
    }
}

fn checksum(length: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(length);
    hasher.update(payload);
    hasher.finalize()
}
