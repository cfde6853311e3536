//! Finished server frames (RFC 6455 section 5): unmasked, unfragmented, no extension bits.
//!
//! A frame is built once and its bytes are shared by all clients, so it must never contain anything specific to one of
//! them.

use bytes::{BufMut, Bytes, BytesMut};

/// Longest payload of a ping, pong or close frame in bytes.
pub const MAX_CONTROL_PAYLOAD: usize = 125;

/// Longest reason text of a close frame in bytes: a control frame's payload minus the code.
pub const MAX_CLOSE_TEXT: usize = MAX_CONTROL_PAYLOAD - 2;

/// The longest header in bytes, as returned by [`header_len`].
pub(crate) const MAX_HEADER_LEN: usize = 10;

const FIN: u8 = 0x80;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// The finished frame of one text message. `json` must be UTF-8, as everything this crate writes is.
pub fn text_frame(json: &[u8]) -> Bytes {
    frame(TEXT, json)
}

/// Appends the finished frame of one text message.
pub fn put_text_frame(out: &mut Vec<u8>, json: &[u8]) {
    put_text_header(out, json.len());
    out.extend_from_slice(json);
}

/// The finished frame of one binary message.
pub fn binary_frame(payload: &[u8]) -> Bytes {
    frame(BINARY, payload)
}

/// The header of one binary message, for a payload that is sent behind it.
pub fn binary_header(payload_len: usize) -> Bytes {
    let mut header = BytesMut::with_capacity(header_len(payload_len));
    put_header(&mut header, BINARY, payload_len);
    header.freeze()
}

/// Turns `message`, which starts with [`MAX_HEADER_LEN`] spare bytes before the payload, into the finished frame of one
/// binary message, without moving the payload.
pub(crate) fn binary_frame_in_place(message: &mut [u8]) -> &[u8] {
    let payload_len = message.len() - MAX_HEADER_LEN;
    let frame = &mut message[MAX_HEADER_LEN - header_len(payload_len)..];
    put_header(&mut &mut *frame, BINARY, payload_len);
    frame
}

/// Appends the header of one text message.
pub(crate) fn put_text_header(out: &mut Vec<u8>, payload_len: usize) {
    put_header(out, TEXT, payload_len);
}

/// A ping. A payload above [`MAX_CONTROL_PAYLOAD`] is cut.
pub fn ping_frame(payload: &[u8]) -> Bytes {
    frame(PING, control_payload(payload))
}

/// The pong for a ping with the same payload. A payload above [`MAX_CONTROL_PAYLOAD`] is cut.
pub fn pong_frame(payload: &[u8]) -> Bytes {
    frame(PONG, control_payload(payload))
}

/// A close frame. The text is cut to [`MAX_CLOSE_TEXT`] bytes on a character
/// boundary; without a code there can be no text.
pub fn close_frame(code: Option<u16>, text: &str) -> Bytes {
    let mut payload = Vec::with_capacity(MAX_CONTROL_PAYLOAD);
    if let Some(code) = code {
        payload.extend_from_slice(&code.to_be_bytes());
        payload.extend_from_slice(cut(text).as_bytes());
    }
    frame(CLOSE, &payload)
}

/// The longest prefix of `text` that fits into a close frame and ends on a character boundary.
pub fn cut(text: &str) -> &str {
    beginning(text, MAX_CLOSE_TEXT)
}

/// The longest prefix of at most `max` bytes that ends on a character boundary.
pub(crate) fn beginning(text: &str, max: usize) -> &str {
    let end = (0..=text.len().min(max))
        .rev()
        .find(|&end| text.is_char_boundary(end))
        .unwrap_or(0);
    &text[..end]
}

/// Bytes before a payload of this length.
pub const fn header_len(payload_len: usize) -> usize {
    match payload_len {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    }
}

fn control_payload(payload: &[u8]) -> &[u8] {
    &payload[..payload.len().min(MAX_CONTROL_PAYLOAD)]
}

fn frame(opcode: u8, payload: &[u8]) -> Bytes {
    let len = payload.len();
    let mut frame = BytesMut::with_capacity(header_len(len) + len);
    put_header(&mut frame, opcode, len);
    frame.put_slice(payload);
    frame.freeze()
}

fn put_header(out: &mut impl BufMut, opcode: u8, payload_len: usize) {
    out.put_u8(FIN | opcode);
    match payload_len {
        0..=125 => out.put_u8(payload_len as u8),
        126..=0xffff => {
            out.put_u8(126);
            out.put_u16(payload_len as u16);
        }
        _ => {
            out.put_u8(127);
            out.put_u64(payload_len as u64);
        }
    }
}

#[cfg(test)]
mod tests;
