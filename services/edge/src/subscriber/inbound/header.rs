//! The header of a frame, which announces its length: RFC 6455, section 5.2.

use super::received::ReceiveError;

/// Payload of the longest control frame.
const MAX_CONTROL_BYTES: u64 = 125;

/// The decoded start of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    is_control: bool,
    bytes: u64,
}

impl Header {
    /// The header at the start of these bytes, once its length is complete.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let bytes = match second & 0x7f {
            126 => u16::from_be_bytes(*rest.first_chunk()?).into(),
            127 => u64::from_be_bytes(*rest.first_chunk()?),
            short => short.into(),
        };
        Some(Self {
            is_control: first & 0x08 != 0,
            bytes,
        })
    }

    /// Whether the frame is allowed for a message with this many buffered bytes.
    ///
    /// # Errors
    /// [`ReceiveError::TooBig`], [`ReceiveError::Protocol`].
    pub(super) fn check(self, held: usize, max_message_bytes: usize) -> Result<(), ReceiveError> {
        if self.is_control {
            return match self.bytes <= MAX_CONTROL_BYTES {
                true => Ok(()),
                false => Err(ReceiveError::Protocol),
            };
        }
        match self.bytes.saturating_add(held as u64) <= max_message_bytes as u64 {
            true => Ok(()),
            false => Err(ReceiveError::TooBig),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_has_three_encodings() {
        let header = |is_control, bytes| Some(Header { is_control, bytes });
        for (bytes, expected) in [
            (&[][..], None),
            (&[0x81], None),
            (&[0x81, 0x80], header(false, 0)),
            (&[0x89, 0xfd], header(true, 125)),
            (&[0x81, 0xfe, 1], None),
            (&[0x81, 0xfe, 1, 2], header(false, 258)),
            (&[0x00, 0xff, 0, 0, 0, 0, 0, 1, 0], None),
            (&[0x00, 0xff, 0, 0, 0, 0, 0, 1, 0, 0], header(false, 65_536)),
        ] {
            assert_eq!(Header::read(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn buffered_fragments_count_towards_the_limit() {
        let frame = |is_control, bytes| Header { is_control, bytes };
        assert_eq!(frame(false, 60).check(40, 100), Ok(()));
        assert_eq!(frame(false, 61).check(40, 100), Err(ReceiveError::TooBig));
        assert_eq!(
            frame(false, u64::MAX).check(40, 100),
            Err(ReceiveError::TooBig)
        );
        assert_eq!(frame(true, 125).check(40, 100), Ok(()));
        assert_eq!(
            frame(true, 126).check(40, 1000),
            Err(ReceiveError::Protocol)
        );
    }
}
