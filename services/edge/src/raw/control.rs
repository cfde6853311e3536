//! The frames that this node writes itself: `#info` and errors.

use bytes::Bytes;

/// `{"t": "#info", "op": 1}` in DAG-CBOR.
const INFO: &[u8] = b"\xa2\x61t\x65#info\x62op\x01";
/// `{"op": -1}`.
const ERROR: &[u8] = b"\xa1\x62op\x20";

/// A notice; the stream continues.
pub(crate) fn info(name: &str, message: &str) -> Bytes {
    frame(INFO, "name", name, message)
}

/// The last frame before the end of the stream.
pub(crate) fn error(name: &str, message: &str) -> Bytes {
    frame(ERROR, "error", name, message)
}

fn frame(header: &[u8], key: &str, name: &str, message: &str) -> Bytes {
    let mut out = header.to_vec();
    // A map of two pairs, the shorter key first.
    out.push(0xa2);
    for part in [key, name, "message", message] {
        put_text(&mut out, part);
    }
    Bytes::from(out)
}

/// Texts of this module are shorter than 256 bytes; a longer one is cut.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let text = fanjet_wire::close::cut(text);
    match text.len() {
        len @ 0..=0x17 => out.push(0x60 | len as u8),
        len => out.extend_from_slice(&[0x78, len as u8]),
    }
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_canonical() {
        assert_eq!(
            info("OutdatedCursor", "x")[..],
            b"\xa2\x61t\x65#info\x62op\x01\xa2\x64name\x6eOutdatedCursor\x67message\x61x"[..]
        );
        let long = "a".repeat(30);
        let expected = [
            &b"\xa1\x62op\x20\xa2\x65error\x6cFutureCursor\x67message\x78\x1e"[..],
            long.as_bytes(),
        ];
        assert_eq!(error("FutureCursor", &long)[..], expected.concat());
    }
}
