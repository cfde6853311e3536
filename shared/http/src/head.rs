//! Finds the end of a request head.

/// Searches for the empty line that ends a head. Lines end with LF or CRLF, and empty lines before the request line are
/// ignored, as in the server's parser.
#[derive(Debug, Default)]
pub(crate) struct HeadEnd {
    /// The current line is not empty.
    has_text: bool,
    /// An earlier line was not empty.
    has_lines: bool,
}

impl HeadEnd {
    /// How many of the next bytes belong to the head, if it ends among them.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        for (index, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' if self.has_text => {
                    self.has_text = false;
                    self.has_lines = true;
                }
                b'\n' if self.has_lines => return Some(index + 1),
                b'\n' | b'\r' => {}
                _ => self.has_text = true,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_head_ends_with_its_first_empty_line() {
        for (bytes, end) in [
            ("", None),
            ("\r\n\r\n\n", None),
            ("GET / HTTP/1.1\r\nHost: a\r\n", None),
            ("GET / HTTP/1.1\r\n\r\n", Some(18)),
            ("GET / HTTP/1.1\n\nGET", Some(16)),
            (
                "\r\n\nGET / HTTP/1.1\r\nHost: a\n\r\nbody\r\n\r\n",
                Some(29),
            ),
        ] {
            assert_eq!(HeadEnd::default().find(bytes.as_bytes()), end, "{bytes:?}");
        }
    }

    proptest! {
        /// However the input is split.
        #[test]
        fn the_end_does_not_depend_on_the_pieces(
            head in "(\r?\n){0,2}[a-z ]{1,5}\r?\n([a-z]{1,3}: ?\r?\n){0,3}\r?\n",
            behind in "[a-z\r\n]{0,10}",
            size in 1_usize..7,
        ) {
            let bytes = head.clone() + &behind;
            let mut end = HeadEnd::default();
            let mut before = 0;
            let found = bytes.as_bytes().chunks(size).find_map(|piece| {
                let found = end.find(piece).map(|here| before + here);
                before += piece.len();
                found
            });
            prop_assert_eq!(found, Some(head.len()));
        }
    }
}
