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

fn put_text(out: &mut Vec<u8>, text: &str) {
    let text = fanjet_wire::close::cut(text);
    put_unsigned(out, 0x60, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// A number, or the length of what `major` says, in the shortest form.
pub(super) fn put_unsigned(out: &mut Vec<u8>, major: u8, value: u64) {
    let bytes = value.to_be_bytes();
    let (head, width) = match value {
        0..=0x17 => {
            out.push(major | bytes[7]);
            return;
        }
        0x18..=0xff => (0x18, 1),
        0x100..=0xffff => (0x19, 2),
        0x1_0000..=0xffff_ffff => (0x1a, 4),
        _ => (0x1b, 8),
    };
    out.push(major | head);
    out.extend_from_slice(&bytes[8 - width..]);
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
