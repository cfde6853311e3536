//! The end of a finished segment: an index of its blocks, so that opening need not read the records.
//!
//! ```text
//! payload = kind u8, 3 zeros, number of points u32, last seq u64, newest log time u64, points
//! point   = offset u32, seq above the segment's first u32, newest log time before it u64
//! trailer = offset of the footer's frame u64, its checksum u32, "FEND"
//! ```

use fanjet_log::Seq;

use super::frame::{self, Found, Frame};
use super::points::{Point, Points};
use super::{u32_at, u64_at};

/// The first byte of the payload.
pub(crate) const KIND: u8 = 0xfe;
/// Bytes behind the footer's frame.
pub(crate) const TRAILER: usize = 16;

const MAGIC: &[u8; 4] = b"FEND";
const FIXED: usize = 24;
const POINT: usize = 16;

/// The contents of a footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Footer {
    /// The seq of its last record.
    pub(crate) last: Seq,
    /// The starts of its blocks.
    pub(crate) points: Points,
}

/// Footer and trailer of a segment whose records end at the offset `at`.
pub(crate) fn write(at: u64, last: Seq, points: &Points) -> Vec<u8> {
    let list = points.list();
    let mut out = Vec::with_capacity(frame::PREFIX + FIXED + list.len() * POINT + TRAILER);
    let begin = frame::begin(&mut out);
    out.extend_from_slice(&[KIND, 0, 0, 0]);
    out.extend_from_slice(&(list.len() as u32).to_le_bytes());
    out.extend_from_slice(&last.to_le_bytes());
    out.extend_from_slice(&points.newest().to_le_bytes());
    for point in list {
        out.extend_from_slice(&point.offset.to_le_bytes());
        out.extend_from_slice(&point.above_first.to_le_bytes());
        out.extend_from_slice(&point.newest_before.to_le_bytes());
    }
    frame::end(&mut out, begin);
    out.extend_from_slice(&at.to_le_bytes());
    let checksum = crc32fast::hash(&at.to_le_bytes());
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(MAGIC);
    out
}

/// The start of the footer according to the trailer, the last bytes of a segment.
pub(crate) fn read_trailer(trailer: &[u8]) -> Option<u64> {
    let is_whole = trailer.len() == TRAILER
        && trailer.ends_with(MAGIC)
        && u32_at(trailer, 8) == Some(crc32fast::hash(&trailer[..8]));
    if is_whole { u64_at(trailer, 0) } else { None }
}

/// The footer in `bytes`, which are the rest of the file from the offset `at` on.
pub(crate) fn read(bytes: &[u8], at: u64) -> Option<Footer> {
    let Found::Frame(frame) = frame::read(bytes) else {
        return None;
    };
    (read_trailer(&bytes[frame.len()..]) == Some(at)).then_some(())?;
    parse(&frame)
}

fn parse(frame: &Frame<'_>) -> Option<Footer> {
    let (fixed, rest) = frame.payload.split_at_checked(FIXED)?;
    let count = u32_at(fixed, 4)? as usize;
    if fixed[..4] != [KIND, 0, 0, 0] || rest.len() != count.checked_mul(POINT)? {
        return None;
    }
    let points = rest
        .chunks_exact(POINT)
        .map(|point| {
            Some(Point {
                offset: u32_at(point, 0)?,
                above_first: u32_at(point, 4)?,
                newest_before: u64_at(point, 8)?,
            })
        })
        .collect::<Option<Vec<_>>>()?;
    Some(Footer {
        last: u64_at(fixed, 8)?,
        points: Points::from_list(points, u64_at(fixed, 16)?)?,
    })
}
