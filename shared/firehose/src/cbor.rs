//! A cursor over DAG-CBOR bytes: one item at a time, borrowed, nothing allocated.
//!
//! Strict where the format is (shortest heads, definite lengths, tag 42 only, doubles only, no NaN, infinity or
//! negative zero), because everything accepted here is served to all clients. The order of map keys is not checked.

use fanjet_event::Cid;
use thiserror::Error;

/// Maximum nesting: the outermost value is level 1. The limit is ours, the format has none.
pub(crate) const MAX_LEVELS: usize = 128;

/// Why bytes are not valid DAG-CBOR in ATProto's profile. Always the sender's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CborError {
    /// The bytes end inside a value, or a length points beyond them.
    #[error("unexpected end of input inside a value")]
    Truncated,
    /// A number or a length has a shorter form.
    #[error("number or length not in its shortest form")]
    NotShortest,
    /// Indefinite lengths, undefined, half and single floats, simple values, reserved heads.
    #[error("unsupported type for DAG-CBOR")]
    Unsupported,
    /// NaN, an infinity, or negative zero.
    #[error("unsupported float for DAG-CBOR")]
    Float,
    /// A tag other than 42, or tag 42 around anything but `0x00` and a CID.
    #[error("unsupported tag: not a link")]
    Tag,
    /// A map key that is not UTF-8 text.
    #[error("map key is not text")]
    Key,
    /// A text that is not UTF-8, where it cannot be repaired.
    #[error("text is not UTF-8")]
    Text,
    /// More than 128 levels.
    #[error("nested too deeply")]
    TooDeep,
}

/// One head with its scalar value. For arrays and maps it is the number of elements or entries that follow, which is
/// never more than the remaining bytes could contain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Item<'a> {
    /// A number from 0.
    Unsigned(u64),
    /// `-1 - n`.
    Negative(u64),
    /// A byte string.
    Bytes(&'a [u8]),
    /// Not validated as UTF-8.
    Text(&'a [u8]),
    /// Elements follow.
    Array(usize),
    /// Entries follow.
    Map(usize),
    /// The bytes that should be a CID, at least one.
    Link(&'a [u8]),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// A double.
    Float(f64),
}

impl<'a> Item<'a> {
    /// The number, if it is one from 0.
    pub fn unsigned(self) -> Option<u64> {
        match self {
            Self::Unsigned(value) => Some(value),
            _ => None,
        }
    }

    /// The text, if it is one and UTF-8.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The bytes, if it is a byte string.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn bool(self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The CID, if it is a link of a blessed format.
    pub fn cid(self) -> Option<Cid> {
        match self {
            Self::Link(bytes) => Cid::from_bytes(bytes),
            _ => None,
        }
    }

    /// `Some(None)` for null, otherwise the result of `read`.
    pub fn nullable<T>(self, read: impl FnOnce(Self) -> Option<T>) -> Option<Option<T>> {
        match self {
            Self::Null => Some(None),
            value => read(value).map(Some),
        }
    }

    pub(crate) fn is_container(self) -> bool {
        matches!(self, Self::Array(_) | Self::Map(_))
    }
}

/// The cursor. A copy of it saves a position.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// At the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The number of bytes read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The unread bytes.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Moves to a position seen before, or known to be within the bytes.
    pub(crate) fn seek(&mut self, position: usize) {
        self.at = position;
    }

    /// Whether nothing is left.
    pub fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The bytes from `start` up to here.
    pub fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// Reads one head with its scalar value.
    ///
    /// # Errors
    /// [`CborError`] when there is none.
    #[inline]
    pub fn item(&mut self) -> Result<Item<'a>, CborError> {
        let head = self.byte()?;
        Ok(match head >> 5 {
            0 => Item::Unsigned(self.argument(head)?),
            1 => Item::Negative(self.argument(head)?),
            2 => {
                let len = self.argument(head)?;
                Item::Bytes(self.take(len)?)
            }
            3 => {
                let len = self.argument(head)?;
                Item::Text(self.take(len)?)
            }
            4 => {
                let count = self.argument(head)?;
                Item::Array(self.count(count, 1)?)
            }
            5 => {
                let count = self.argument(head)?;
                Item::Map(self.count(count, 2)?)
            }
            6 => self.link(head)?,
            _ => match head {
                0xf4 => Item::Bool(false),
                0xf5 => Item::Bool(true),
                0xf6 => Item::Null,
                0xfb => Item::Float(self.float()?),
                _ => return Err(CborError::Unsupported),
            },
        })
    }

    /// Reads a map key; the bytes are not yet checked to be UTF-8.
    ///
    /// # Errors
    /// [`CborError`] when there is none.
    #[inline]
    pub fn key(&mut self) -> Result<&'a [u8], CborError> {
        let head = self.byte()?;
        if head >> 5 != 3 {
            return Err(CborError::Key);
        }
        let len = self.argument(head)?;
        self.take(len)
    }

    /// Skips one value of the given level, checking everything but the order and uniqueness of keys and
    /// whether links are CIDs.
    ///
    /// # Errors
    /// [`CborError`].
    pub fn skip(&mut self, level: usize) -> Result<(), CborError> {
        if level > MAX_LEVELS {
            return Err(CborError::TooDeep);
        }
        match self.item()? {
            Item::Text(text) => check_utf8(text, CborError::Text),
            Item::Array(count) => (0..count).try_for_each(|_| self.skip(level + 1)),
            Item::Map(count) => (0..count).try_for_each(|_| {
                check_utf8(self.key()?, CborError::Key)?;
                self.skip(level + 1)
            }),
            _ => Ok(()),
        }
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, CborError> {
        let byte = *self.bytes.get(self.at).ok_or(CborError::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    fn take(&mut self, len: u64) -> Result<&'a [u8], CborError> {
        let rest = self.bytes.get(self.at..).ok_or(CborError::Truncated)?;
        let len = usize::try_from(len).map_err(|_| CborError::Truncated)?;
        let taken = rest.get(..len).ok_or(CborError::Truncated)?;
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CborError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let bytes = *rest.first_chunk::<N>().ok_or(CborError::Truncated)?;
        self.at += N;
        Ok(bytes)
    }

    #[inline]
    fn argument(&mut self, head: u8) -> Result<u64, CborError> {
        match head & 0x1f {
            inline @ 0..=23 => Ok(u64::from(inline)),
            24 => at_least(u64::from(self.byte()?), 24),
            25 => at_least(u64::from(u16::from_be_bytes(self.array()?)), 1 << 8),
            26 => at_least(u64::from(u32::from_be_bytes(self.array()?)), 1 << 16),
            27 => at_least(u64::from_be_bytes(self.array()?), 1 << 32),
            _ => Err(CborError::Unsupported),
        }
    }

    /// A declared number of elements of at least `width` bytes each, rejected if it is impossible.
    #[inline]
    fn count(&self, declared: u64, width: usize) -> Result<usize, CborError> {
        let possible = self.bytes.len().saturating_sub(self.at) / width;
        usize::try_from(declared)
            .ok()
            .filter(|&count| count <= possible)
            .ok_or(CborError::Truncated)
    }

    fn link(&mut self, head: u8) -> Result<Item<'a>, CborError> {
        if head != 0xd8 || self.byte()? != 42 {
            return Err(CborError::Tag);
        }
        let head = self.byte()?;
        if head >> 5 != 2 {
            return Err(CborError::Tag);
        }
        let len = self.argument(head)?;
        match self.take(len)? {
            [0, cid @ ..] if !cid.is_empty() => Ok(Item::Link(cid)),
            _ => Err(CborError::Tag),
        }
    }

    fn float(&mut self) -> Result<f64, CborError> {
        let value = f64::from_be_bytes(self.array()?);
        if value.is_finite() && value.to_bits() != (-0.0f64).to_bits() {
            Ok(value)
        } else {
            Err(CborError::Float)
        }
    }
}

#[inline]
fn at_least(value: u64, smallest: u64) -> Result<u64, CborError> {
    if value >= smallest {
        Ok(value)
    } else {
        Err(CborError::NotShortest)
    }
}

fn check_utf8(text: &[u8], otherwise: CborError) -> Result<(), CborError> {
    match std::str::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(otherwise),
    }
}

#[cfg(test)]
mod tests;
