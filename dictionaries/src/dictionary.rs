//! A dictionary's bytes and its id.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::{DictionaryError, Flaw, MAX_LEN};

const MAGIC: [u8; 4] = [0x37, 0xa4, 0x30, 0xec];
const HEADER_LEN: usize = 8;

/// A structured zstd dictionary (RFC 8878 section 5): at most [`MAX_LEN`] bytes, with an id that is not 0.
#[derive(Clone, PartialEq, Eq)]
pub struct Dictionary {
    bytes: Cow<'static, [u8]>,
    id: u32,
}

/// The official dictionary of Jetstream v1, which its clients bundle.
pub fn v1() -> &'static Dictionary {
    const BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/v1.zdict"));
    static V1: Dictionary = Dictionary {
        bytes: Cow::Borrowed(BYTES),
        id: match parse_id(BYTES) {
            Ok(id) => id,
            Err(_) => unreachable!(),
        },
    };
    &V1
}

/// The built-in dictionary for Jetstream v2's frames. Its clients fetch it from the server, so it need not be the
/// official one, which no package carries: `train.py` made it of simulated events.
pub fn v2() -> &'static Dictionary {
    const BYTES: &[u8] = include_bytes!("../v2.zdict");
    static V2: Dictionary = Dictionary {
        bytes: Cow::Borrowed(BYTES),
        id: match parse_id(BYTES) {
            Ok(id) => id,
            Err(_) => unreachable!(),
        },
    };
    &V2
}

impl Dictionary {
    /// Reads a configured dictionary. Whether its entropy tables are sound shows when a compressor is made of it.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, DictionaryError> {
        let path = path.as_ref();
        let bytes = read_bounded(path).map_err(|source| DictionaryError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let id = parse_id(&bytes).map_err(|flaw| DictionaryError::Unusable {
            path: path.to_owned(),
            flaw,
        })?;
        Ok(Self {
            bytes: Cow::Owned(bytes),
            id,
        })
    }

    /// What a compressor and a client are given.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The id that every frame made with this dictionary names. Never 0.
    pub fn id(&self) -> u32 {
        self.id
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary")
            .field("id", &self.id)
            .field("len", &self.bytes.len())
            .finish()
    }
}

/// At most one byte more than is allowed, so that a wrong path (a device, a log) cannot fill the memory.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_LEN as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

const fn parse_id(bytes: &[u8]) -> Result<u32, Flaw> {
    if bytes.len() > MAX_LEN {
        return Err(Flaw::TooLong);
    }
    let Some(header) = bytes.first_chunk::<HEADER_LEN>() else {
        return Err(Flaw::NoMagic);
    };
    let [m0, m1, m2, m3, id @ ..] = *header;
    if u32::from_le_bytes([m0, m1, m2, m3]) != u32::from_le_bytes(MAGIC) {
        return Err(Flaw::NoMagic);
    }
    match u32::from_le_bytes(id) {
        0 => Err(Flaw::NoId),
        id => Ok(id),
    }
}

#[cfg(test)]
mod tests;
