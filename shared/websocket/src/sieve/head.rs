//! The head of a WebSocket frame, parsed byte by byte.

/// Two bytes, eight of a length, four of a mask that servers do not send.
const LONGEST: usize = 14;

/// A head, complete or not.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Head {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Head {
    /// Adds the next byte; returns whether the head is complete.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        self.bytes[self.len] = byte;
        self.len += 1;
        self.len >= 2 && self.len == 2 + self.length_bytes() + self.mask_bytes()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(super) fn is_last(&self) -> bool {
        self.bytes[0] & 0x80 != 0
    }

    pub(super) fn is_continuation(&self) -> bool {
        self.opcode() == 0
    }

    pub(super) fn is_control(&self) -> bool {
        self.opcode() >= 8
    }

    /// The length of the payload.
    pub(super) fn payload(&self) -> u64 {
        match self.length_bytes() {
            0 => u64::from(self.short_length()),
            long => self.bytes[2..2 + long]
                .iter()
                .fold(0, |length, byte| (length << 8) | u64::from(*byte)),
        }
    }

    fn opcode(&self) -> u8 {
        self.bytes[0] & 0x0f
    }

    fn short_length(&self) -> u8 {
        self.bytes[1] & 0x7f
    }

    fn length_bytes(&self) -> usize {
        match self.short_length() {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    fn mask_bytes(&self) -> usize {
        match self.bytes[1] & 0x80 {
            0 => 0,
            _ => 4,
        }
    }
}
