//! Content identifiers of the blessed formats: CIDv1, SHA-256, DAG-CBOR or raw.

use std::fmt;

use data_encoding::{BASE32_NOPAD, Encoding};
use sha2::{Digest, Sha256};

use crate::Invalid;

const RULE: &str = "CIDv1 with SHA-256 and codec dag-cbor or raw";

/// What kind of bytes a CID names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    /// 0x71: records, commits, MST nodes.
    DagCbor,
    /// 0x55: blobs.
    Raw,
}

/// A CID that repo data may use. Other CIDs can occur inside records as opaque links; they are not this type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cid {
    codec: Codec,
    digest: [u8; 32],
}

impl Cid {
    /// Length of the binary form.
    pub const LEN: usize = 36;
    /// Length of the text form.
    pub const TEXT_LEN: usize = 59;

    /// The CID of DAG-CBOR bytes.
    pub fn of_dag_cbor(bytes: &[u8]) -> Self {
        Self {
            codec: Codec::DagCbor,
            digest: Sha256::digest(bytes).into(),
        }
    }

    /// The CID of raw bytes.
    pub fn of_raw(bytes: &[u8]) -> Self {
        Self {
            codec: Codec::Raw,
            digest: Sha256::digest(bytes).into(),
        }
    }

    /// Reads the binary form; `None` unless `bytes` is exactly one CID of a blessed format.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (head, digest) = bytes.split_at_checked(4)?;
        let codec = match head {
            [0x01, 0x71, 0x12, 0x20] => Codec::DagCbor,
            [0x01, 0x55, 0x12, 0x20] => Codec::Raw,
            _ => return None,
        };
        Some(Self {
            codec,
            digest: digest.try_into().ok()?,
        })
    }

    /// Reads the text form (multibase base32, `b...`).
    ///
    /// # Errors
    /// [`Invalid`] when the text is no CID of a blessed format.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        text.strip_prefix('b')
            .filter(|rest| rest.len() == Self::TEXT_LEN - 1)
            .and_then(|rest| lower_base32().decode(rest.as_bytes()).ok())
            .and_then(|bytes| Self::from_bytes(&bytes))
            .ok_or_else(|| Invalid::new("CID", text, RULE))
    }

    /// The binary form.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..4].copy_from_slice(match self.codec {
            Codec::DagCbor => &[0x01, 0x71, 0x12, 0x20],
            Codec::Raw => &[0x01, 0x55, 0x12, 0x20],
        });
        bytes[4..].copy_from_slice(&self.digest);
        bytes
    }

    /// The text form, without allocating: always ASCII.
    pub fn encode(self) -> [u8; Self::TEXT_LEN] {
        let mut text = [b'b'; Self::TEXT_LEN];
        lower_base32().encode_mut(&self.to_bytes(), &mut text[1..]);
        text
    }

    /// The kind of the bytes that this CID names.
    pub fn codec(self) -> Codec {
        self.codec
    }

    /// Whether this CID is the hash of `bytes`.
    pub fn matches(self, bytes: &[u8]) -> bool {
        self.digest == <[u8; 32]>::from(Sha256::digest(bytes))
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encode()
            .iter()
            .try_for_each(|&byte| fmt::Write::write_char(f, char::from(byte)))
    }
}

/// RFC 4648 base32 in lower case without padding, the text form of every CID here. Strict: a text has one
/// meaning and a CID one text.
fn lower_base32() -> &'static Encoding {
    static ENCODING: std::sync::LazyLock<Encoding> = std::sync::LazyLock::new(|| {
        let mut spec = BASE32_NOPAD.specification();
        spec.symbols = spec.symbols.to_lowercase();
        // The alphabet is a constant, so this cannot fail; an empty text would fail the tests.
        spec.encoding().unwrap_or(BASE32_NOPAD)
    });
    &ENCODING
}

#[cfg(test)]
mod tests;
