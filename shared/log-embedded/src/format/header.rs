//! The first bytes of a segment.

use fanjet_log::Seq;

use super::{u32_at, u64_at};

/// Bytes of a header.
pub(crate) const LEN: usize = 32;
/// The format version that this program writes and reads.
pub(crate) const VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"FANJETLG";

/// Why bytes are not a valid header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Not a segment, or damaged.
    Damaged,
    /// A segment of another format version.
    Version(u32),
}

/// The header of the segment whose first record has the seq `first`.
pub(crate) fn write(first: Seq) -> [u8; LEN] {
    let mut header = [0; LEN];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[16..24].copy_from_slice(&first.to_le_bytes());
    let checksum = crc32fast::hash(&header[..28]);
    header[28..].copy_from_slice(&checksum.to_le_bytes());
    header
}

/// The seq of the first record.
pub(crate) fn read(bytes: &[u8]) -> Result<Seq, Refused> {
    let header = bytes.get(..LEN).ok_or(Refused::Damaged)?;
    let version = u32_at(header, 8).ok_or(Refused::Damaged)?;
    if !header.starts_with(MAGIC) {
        return Err(Refused::Damaged);
    }
    // Before the checksum: another version may have another one.
    if version != VERSION {
        return Err(Refused::Version(version));
    }
    if u32_at(header, 28) != Some(crc32fast::hash(&header[..28])) {
        return Err(Refused::Damaged);
    }
    u64_at(header, 16).ok_or(Refused::Damaged)
}
