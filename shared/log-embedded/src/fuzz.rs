//! The parsers of a segment file, for the fuzz targets only.

use crate::block;
use crate::format::frame::{self, Found};
use crate::format::{covers, footer, header, mark, record};

/// Parses any bytes in every way that opening and reading do.
pub fn segment(bytes: &[u8]) {
    let first = header::read(bytes).unwrap_or(1);
    let base = header::LEN as u64;
    let frames = bytes.get(header::LEN..).unwrap_or_default();
    // Safety must not depend on the checksums, so each frame is also parsed without them.
    let mut at = 0;
    while let Found::Frame(frame) = frame::read_trusted(&frames[at..]) {
        if let Some(record) = record::read(frame.payload) {
            let parts = record.collection.len() + record.upstream.len() + record.frame_time.len();
            assert!(parts + record.body.len() < frame.len());
        }
        if let Some(found) = covers::of(&frame) {
            assert!(found.first <= found.last && found.last < u64::MAX);
        }
        at += frame.len();
    }
    if let Err(bad) = block::check(frames, base, first) {
        assert!(bad.offset <= frames.len());
    }
    if let Some(found) = mark::find(frames, base) {
        assert!(found >= base && found < bytes.len() as u64);
    }
    if let Some(footer) = footer::read(frames, base) {
        let again = footer::write(base, footer.last, &footer.points);
        assert!(frames.starts_with(&again));
    }
}

/// Parses `payload` behind a valid length and checksum.
pub fn framed(payload: &[u8]) {
    let mut bytes = header::write(1).to_vec();
    let begin = frame::begin(&mut bytes);
    bytes.extend_from_slice(payload);
    frame::end(&mut bytes, begin);
    segment(&bytes);
}
