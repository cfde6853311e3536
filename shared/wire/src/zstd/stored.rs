//! A zstd frame without compression, made without the library: the fallback when the library fails.

use super::WINDOW_LOG;
use crate::websocket::{MAX_HEADER_LEN, binary_frame_in_place};

const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
/// A content size of four bytes, a window, no dictionary ID, no checksum (RFC 8878 section 3.1.1.1.1).
const DESCRIPTOR: u8 = 0b1000_0000;
const WINDOW: u8 = ((WINDOW_LOG - 10) << 3) as u8;
/// The longest block of this window (RFC 8878 section 3.1.1.2.3).
const MAX_BLOCK: usize = 1 << WINDOW_LOG;

/// The event in a zstd frame of raw blocks, in the finished frame of one binary WebSocket message. It cannot fail, and
/// every decoder reads it, with or without the dictionary.
///
/// `json` must be shorter than 4 GiB, as every event is.
pub fn stored_message(json: &[u8]) -> Box<[u8]> {
    let mut message = vec![0; MAX_HEADER_LEN];
    message.extend_from_slice(&MAGIC);
    message.extend_from_slice(&[DESCRIPTOR, WINDOW]);
    message.extend_from_slice(&(json.len() as u32).to_le_bytes());
    let mut rest = json;
    loop {
        let (block, behind) = rest.split_at(rest.len().min(MAX_BLOCK));
        rest = behind;
        let header = (block.len() as u32) << 3 | u32::from(rest.is_empty());
        message.extend_from_slice(&header.to_le_bytes()[..3]);
        message.extend_from_slice(block);
        if rest.is_empty() {
            return Box::from(binary_frame_in_place(&mut message));
        }
    }
}
