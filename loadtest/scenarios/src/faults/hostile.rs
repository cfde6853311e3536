//! The bytes that a hostile upstream sends.

use super::upstream_proxy::Script;

/// The start of a forged log line, so that it can be found.
pub(super) const FORGED: &str = "1999-12-31T23:59:59.000000Z ERROR fanjet: forged";

/// Pings as fast as possible; the pongs are never read.
pub(super) fn pings() -> Script {
    let mut ping = vec![0x89, 125];
    ping.extend([b'x'; 125]);
    Script {
        once: Vec::new(),
        again: ping.repeat(500),
    }
}

/// Info messages whose text tries to break out of its log line, as fast as possible.
pub(super) fn words() -> Script {
    let forging = format!("nothing\n{FORGED}\r\n\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m\u{202e}");
    let mut frame = header("#info");
    frame.push(map(2));
    frame.extend([text("name"), text(&forging)].concat());
    frame.extend([text("message"), text(&forging)].concat());
    Script {
        once: Vec::new(),
        again: message(&frame).repeat(200),
    }
}

/// A frame with this seq that declares more bytes than any memory has, and never ends.
pub(super) fn giant_frame(seq: u64) -> Script {
    let mut once = vec![0x82, 127];
    once.extend((1_u64 << 62).to_be_bytes());
    once.extend(header("#identity"));
    once.push(map(4));
    once.extend([text("did"), text("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa")].concat());
    once.extend([text("seq"), unsigned(seq)].concat());
    Script {
        once,
        again: vec![0; 64 << 10],
    }
}

/// A binary WebSocket message of a server.
fn message(payload: &[u8]) -> Vec<u8> {
    let mut message = vec![0x82, 127];
    message.extend((payload.len() as u64).to_be_bytes());
    message.extend(payload);
    message
}

/// The first half of a frame: `{"op": 1, "t": kind}`.
fn header(kind: &str) -> Vec<u8> {
    [vec![map(2)], text("t"), text(kind), text("op"), unsigned(1)].concat()
}

/// The head of a CBOR map.
fn map(pairs: u8) -> u8 {
    0xa0 | pairs
}

/// A CBOR text.
fn text(text: &str) -> Vec<u8> {
    let mut bytes = head(3, text.len() as u64);
    bytes.extend(text.as_bytes());
    bytes
}

/// A CBOR number.
fn unsigned(value: u64) -> Vec<u8> {
    head(0, value)
}

/// The head of a CBOR item, in its shortest form.
fn head(major: u8, value: u64) -> Vec<u8> {
    let major = major << 5;
    match value {
        0..24 => vec![major | value as u8],
        24..0x100 => vec![major | 24, value as u8],
        0x100..0x1_0000 => [vec![major | 25], (value as u16).to_be_bytes().to_vec()].concat(),
        _ => [vec![major | 27], value.to_be_bytes().to_vec()].concat(),
    }
}
