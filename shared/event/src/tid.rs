//! Timestamp identifiers: revisions, and most record keys.

use std::fmt;

use crate::Invalid;

const ALPHABET: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";
const RULE: &str = "13 characters of 2-7 a-z, the first of 2-7 a-j";

/// A TID: 53 bits of microseconds and 10 bits of clock ID, ordered like its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tid(u64);

impl Tid {
    /// Length of the text in bytes.
    pub const LEN: usize = 13;

    /// Builds a TID from Unix microseconds (53 bits) and a clock ID (10 bits); higher bits are cut off.
    pub fn from_parts(time_us: u64, clock_id: u16) -> Self {
        Self(((time_us & ((1 << 53) - 1)) << 10) | u64::from(clock_id & 0x3ff))
    }

    /// Validates the syntax.
    ///
    /// # Errors
    /// [`Invalid`] when the text is not a TID.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::decode(text.as_bytes()).ok_or_else(|| Invalid::new("TID", text, RULE))
    }

    /// The microseconds part.
    pub fn time_us(self) -> u64 {
        self.0 >> 10
    }

    /// The text, without allocating.
    pub fn encode(self) -> [u8; Self::LEN] {
        let mut text = [0; Self::LEN];
        for (index, byte) in text.iter_mut().enumerate() {
            let shift = 5 * (Self::LEN - 1 - index);
            *byte = ALPHABET[((self.0 >> shift) & 31) as usize];
        }
        text
    }

    fn decode(text: &[u8]) -> Option<Self> {
        if text.len() != Self::LEN {
            return None;
        }
        let value = text.iter().try_fold(0u128, |value, &byte| {
            Some(value << 5 | u128::from(digit(byte)?))
        })?;
        // 13 digits hold 65 bits. The specification's pattern accepts a set 64th bit, although it should be zero.
        u64::try_from(value).ok().map(Self)
    }
}

impl fmt::Display for Tid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encode()
            .iter()
            .try_for_each(|&byte| fmt::Write::write_char(f, char::from(byte)))
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'2'..=b'7' => Some(byte - b'2'),
        b'a'..=b'z' => Some(byte - b'a' + 6),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
