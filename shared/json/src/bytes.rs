//! Byte strings.

use base64_simd::{Out, STANDARD_NO_PAD};

/// Appends the standard base64 alphabet without padding: the text inside `{"$bytes":"..."}`, without quotes.
pub fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + STANDARD_NO_PAD.encoded_length(bytes.len()), 0);
    let _written = STANDARD_NO_PAD.encode(bytes, Out::from_slice(&mut out[start..]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_standard_and_unpadded() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (&[0xfb, 0xff], "+/8"),
        ] {
            let mut out = b">".to_vec();
            write_base64(&mut out, bytes);
            assert_eq!(String::from_utf8(out).unwrap(), format!(">{text}"));
        }
    }
}
