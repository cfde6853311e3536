//! The one edit that is ever made to a raw frame: another seq.

use std::ops::Range;

use crate::cbor::Reader;
use crate::frame::body::{Header, seq_range};

/// The frame with another seq in the shortest form; everything else is unchanged, byte for byte. `None` if it has no
/// seq.
pub fn with_seq(frame: &[u8], seq: u64) -> Option<Vec<u8>> {
    let range = seq_range_of(frame)?;
    let mut edited = Vec::with_capacity(frame.len() + 8);
    edited.extend_from_slice(frame.get(..range.start)?);
    write_unsigned(&mut edited, seq);
    edited.extend_from_slice(frame.get(range.end..)?);
    Some(edited)
}

/// Where a frame's seq is in its bytes.
pub fn seq_range_of(frame: &[u8]) -> Option<Range<usize>> {
    let mut reader = Reader::new(frame);
    let header = Header::read(&mut reader).ok()?;
    if header.op != 1 {
        return None;
    }
    seq_range(&mut reader)
}

/// Writes an integer in the shortest form, the only one that DAG-CBOR allows.
fn write_unsigned(out: &mut Vec<u8>, value: u64) {
    let bytes = value.to_be_bytes();
    let (head, width) = match value {
        0..=0x17 => {
            out.push(bytes[7]);
            return;
        }
        0x18..=0xff => (0x18, 1),
        0x100..=0xffff => (0x19, 2),
        0x1_0000..=0xffff_ffff => (0x1a, 4),
        _ => (0x1b, 8),
    };
    out.push(head);
    out.extend_from_slice(&bytes[8 - width..]);
}

#[cfg(test)]
mod tests;
