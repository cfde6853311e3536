//! The keys of a frame's records, and the layer of the tree on which each lives.

use sha2::{Digest, Sha256};

use crate::Refusal;

/// Where a key's bytes are among [`Keys`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    start: usize,
    end: usize,
}

/// The bytes of all keys of one frame, concatenated.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<u8>);

impl Keys {
    pub(super) fn get(&self, key: Key) -> &[u8] {
        self.0.get(key.start..key.end).unwrap_or_default()
    }

    /// Adds a key made of the first `shared` bytes of `before` and `rest`.
    pub(super) fn add(
        &mut self,
        before: Option<(Key, usize)>,
        rest: &[u8],
    ) -> Result<Key, Refusal> {
        let shared = before.map_or(0, |(_, shared)| shared);
        let length = shared + rest.len();
        if length > crate::limits::PATH_BYTES || self.0.len() + length > crate::limits::KEY_BYTES {
            return Err(Refusal::TooLarge);
        }
        let start = self.0.len();
        if let Some((before, shared)) = before {
            self.0
                .extend_from_within(before.start..before.start + shared);
        }
        self.0.extend_from_slice(rest);
        Ok(Key {
            start,
            end: self.0.len(),
        })
    }
}

/// The layer of a key.
pub(super) fn layer_of(key: &[u8]) -> u32 {
    let mut bits = 0;
    for byte in Sha256::digest(key) {
        bits += byte.leading_zeros();
        if byte != 0 {
            break;
        }
    }
    bits / 2
}
