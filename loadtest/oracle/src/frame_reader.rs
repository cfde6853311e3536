//! Reads the WebSocket frames of a server (RFC 6455, section 5), however the bytes are split between reads.
//!
//! Pure. Payloads are borrowed from the caller's buffer and never copied, except for control frames, which have at most
//! 125 bytes. A caller that only counts pays for the headers alone.

use thiserror::Error;

/// Longest header of an unmasked frame.
const MAX_HEADER: usize = 10;
/// Longest payload of a control frame.
const MAX_CONTROL: usize = 125;

/// The state of a stream of frames. One per connection.
#[derive(Debug, Clone)]
pub struct FrameReader {
    header: [u8; MAX_HEADER],
    header_length: u8,
    /// The frame whose payload is incomplete.
    frame: Option<Frame>,
    /// The length of the current data message, over all its frames.
    message: Option<Kind>,
    control: [u8; MAX_CONTROL],
    control_length: u8,
}

/// A piece of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A part of a data message.
    Data {
        /// The kind of the message.
        kind: Kind,
        /// Never empty, unless the message ends with it.
        bytes: &'a [u8],
        /// Whether this is the message's last part.
        ends: bool,
    },
    /// Must be answered with a pong of the same payload.
    Ping(&'a [u8]),
    /// The response to a ping, or an unsolicited pong.
    Pong(&'a [u8]),
    /// The close frame.
    Close {
        /// 1005 if the frame has none.
        code: u16,
        /// May be empty, or invalid UTF-8.
        reason: &'a [u8],
    },
}

/// Kinds of data messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Plain events.
    Text,
    /// Compressed events.
    Binary,
}

/// A violation of the protocol. The reader must not be used further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// No extension was negotiated.
    #[error("reserved bits are set")]
    ReservedBits,
    /// Only clients mask.
    #[error("masked frame")]
    Masked,
    /// 3 to 7 and 11 to 15.
    #[error("unknown opcode {0}")]
    Opcode(u8),
    /// Longer than 125 bytes, or in fragments.
    #[error("control frame too long or fragmented")]
    Control,
    /// A continuation of nothing, or a new message inside another.
    #[error("continuation out of order")]
    Fragments,
    /// A length that has its top bit set, or not in its shortest form.
    #[error("invalid payload length")]
    Length,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    content: Content,
    is_final: bool,
    left: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Data(Kind),
    Close,
    Ping,
    Pong,
}

impl Default for FrameReader {
    fn default() -> Self {
        Self {
            header: [0; MAX_HEADER],
            header_length: 0,
            frame: None,
            message: None,
            control: [0; MAX_CONTROL],
            control_length: 0,
        }
    }
}

impl FrameReader {
    /// Reads the next bytes of the connection and passes every piece to `show`.
    ///
    /// # Errors
    /// [`ProtocolError`] at the first invalid frame; earlier pieces have been passed.
    pub fn walk(
        &mut self,
        mut bytes: &[u8],
        mut visit: impl FnMut(Piece<'_>),
    ) -> Result<(), ProtocolError> {
        loop {
            let frame = match self.frame {
                Some(frame) => frame,
                None => match self.next_frame(&mut bytes)? {
                    Some(frame) => frame,
                    None => return Ok(()),
                },
            };
            let here =
                usize::try_from(frame.left).map_or(bytes.len(), |left| left.min(bytes.len()));
            let (payload, rest) = bytes.split_at(here);
            let left = frame.left - here as u64;
            bytes = rest;
            self.frame = (left > 0).then_some(Frame { left, ..frame });
            match frame.content {
                Content::Data(kind) => {
                    let ends = left == 0 && frame.is_final;
                    if ends {
                        self.message = None;
                    }
                    if here > 0 || ends {
                        let bytes = payload;
                        visit(Piece::Data { kind, bytes, ends });
                    }
                }
                control => self.control(control, payload, left == 0, &mut visit),
            }
            if left > 0 {
                return Ok(());
            }
        }
    }

    /// Takes the next header from `bytes`; `None` if it is incomplete, and all bytes are used up.
    fn next_frame(&mut self, bytes: &mut &[u8]) -> Result<Option<Frame>, ProtocolError> {
        if self.header_length == 0
            && let Some((header, length)) = measure(bytes)?
        {
            *bytes = &bytes[header.length..];
            return self.begin(header, length).map(Some);
        }
        while let Some((first, rest)) = bytes.split_first() {
            self.header[usize::from(self.header_length)] = *first;
            self.header_length += 1;
            *bytes = rest;
            let header = &self.header[..usize::from(self.header_length)];
            if let Some((header, length)) = measure(header)? {
                self.header_length = 0;
                return self.begin(header, length).map(Some);
            }
        }
        Ok(None)
    }

    fn begin(&mut self, header: Header, left: u64) -> Result<Frame, ProtocolError> {
        let is_final = header.is_final;
        let content = match header.opcode {
            0x0 => Content::Data(self.message.ok_or(ProtocolError::Fragments)?),
            0x1 | 0x2 if self.message.is_some() => return Err(ProtocolError::Fragments),
            0x1 => Content::Data(*self.message.insert(Kind::Text)),
            0x2 => Content::Data(*self.message.insert(Kind::Binary)),
            0x8 => Content::Close,
            0x9 => Content::Ping,
            0xa => Content::Pong,
            opcode => return Err(ProtocolError::Opcode(opcode)),
        };
        if !matches!(content, Content::Data(_)) && (!is_final || left > MAX_CONTROL as u64) {
            return Err(ProtocolError::Control);
        }
        Ok(Frame {
            content,
            is_final,
            left,
        })
    }

    fn control(
        &mut self,
        content: Content,
        part: &[u8],
        ends: bool,
        visit: &mut impl FnMut(Piece<'_>),
    ) {
        let before = usize::from(self.control_length);
        let length = before + part.len();
        self.control[before..length].copy_from_slice(part);
        if !ends {
            self.control_length = length as u8;
            return;
        }
        self.control_length = 0;
        let payload = &self.control[..length];
        visit(match (content, payload) {
            (Content::Ping, payload) => Piece::Ping(payload),
            (Content::Close, [high, low, reason @ ..]) => Piece::Close {
                code: u16::from_be_bytes([*high, *low]),
                reason,
            },
            (Content::Close, _) => Piece::Close {
                code: 1005,
                reason: &[],
            },
            (_, payload) => Piece::Pong(payload),
        });
    }
}

struct Header {
    length: usize,
    opcode: u8,
    is_final: bool,
}

/// Parses a header and the length after it; `None` if `bytes` end before that. Errors are detected in the first bytes,
/// so that it does not matter how they are split.
fn measure(bytes: &[u8]) -> Result<Option<(Header, u64)>, ProtocolError> {
    let Some(first) = bytes.first() else {
        return Ok(None);
    };
    if first & 0x70 != 0 {
        return Err(ProtocolError::ReservedBits);
    }
    let Some(second) = bytes.get(1) else {
        return Ok(None);
    };
    if second & 0x80 != 0 {
        return Err(ProtocolError::Masked);
    }
    let (length, payload) = match second & 0x7f {
        126 => match bytes.get(2..4) {
            Some(&[a, b]) => (4, u64::from(u16::from_be_bytes([a, b]))),
            _ => return Ok(None),
        },
        127 => match bytes.get(2..10).map(<[u8; 8]>::try_from) {
            Some(Ok(length)) => (10, u64::from_be_bytes(length)),
            _ => return Ok(None),
        },
        length => (2, u64::from(length)),
    };
    let is_shortest = match length {
        4 => payload > 125,
        10 => payload > u64::from(u16::MAX) && payload >> 63 == 0,
        _ => true,
    };
    if !is_shortest {
        return Err(ProtocolError::Length);
    }
    let header = Header {
        length,
        opcode: first & 0x0f,
        is_final: first & 0x80 != 0,
    };
    Ok(Some((header, payload)))
}

#[cfg(test)]
mod tests;
