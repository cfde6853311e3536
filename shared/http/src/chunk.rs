//! Chunks of an answer whose length is not known: RFC 9112, section 7.1.

use bytes::Bytes;

const LINE_END: Bytes = Bytes::from_static(b"\r\n");

/// One chunk, in three pieces: the bytes themselves are not copied. Without bytes it is nothing: an empty chunk would be the
/// last.
pub fn chunk(bytes: Bytes) -> impl Iterator<Item = Bytes> {
    let is_chunk = !bytes.is_empty();
    let size = format!("{:X}\r\n", bytes.len());
    let parts = [Bytes::from(size), bytes, LINE_END];
    parts.into_iter().filter(move |_| is_chunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_what_the_standard_says_and_none_is_the_last() {
        let text = |bytes: Bytes| -> String {
            let parts: Vec<_> = chunk(bytes).collect();
            String::from_utf8(parts.concat()).unwrap()
        };
        assert_eq!(
            text(Bytes::from_static(b"0123456789")),
            "A\r\n0123456789\r\n"
        );
        assert_eq!(text(vec![b'x'; 300].into()).lines().next(), Some("12C"));
        assert_eq!(text(Bytes::new()), "");
    }
}
