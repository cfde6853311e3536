//! Nearly all DIDs in sixteen bytes each.

use std::fmt;

/// A DID of the usual kind: `did:plc:` and 24 characters of `a-z2-7`, which are 120 bits. Every such text is a valid
/// DID, and is represented by its characters only: two are equal exactly if their texts are. They sort as their texts
/// do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlcDid(u128);

impl PlcDid {
    const PREFIX: &[u8; 8] = b"did:plc:";
    const CHARACTERS: usize = 24;
    /// The length of its text.
    pub const TEXT_BYTES: usize = Self::PREFIX.len() + Self::CHARACTERS;

    /// Parses a DID; `None` for a text of any other form, valid or not.
    pub fn of(text: &str) -> Option<Self> {
        let id = text.as_bytes().strip_prefix(Self::PREFIX)?;
        let id: &[u8; Self::CHARACTERS] = id.try_into().ok()?;
        let (mut bits, mut wrong) = (0, 0);
        // Parts whose bits fit into a word.
        for part in id.as_chunks::<8>().0 {
            let mut word = 0_u64;
            for &character in part {
                let digit = DIGITS[usize::from(character)];
                wrong |= digit;
                word = word << 5 | u64::from(digit & 31);
            }
            bits = bits << 40 | u128::from(word);
        }
        (wrong & NO_DIGIT == 0).then_some(Self(bits))
    }

    /// Its bits, in a fixed order.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_ne_bytes()
    }
}

impl fmt::Display for PlcDid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("did:plc:")?;
        (0..Self::CHARACTERS).rev().try_for_each(|at| {
            let digit = (self.0 >> (5 * at)) as usize & 31;
            fmt::Write::write_char(f, char::from(CHARACTERS[digit]))
        })
    }
}

impl fmt::Debug for PlcDid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlcDid({self})")
    }
}

/// In the order of their codes, so that bits sort as texts do.
const CHARACTERS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

const NO_DIGIT: u8 = 0x80;

/// The code of each byte.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < CHARACTERS.len() {
        digits[CHARACTERS[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};

#[cfg(test)]
mod tests;
