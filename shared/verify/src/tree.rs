//! The Merkle Search Tree of a repo, of which the CAR holds some nodes.
//!
//! A key's layer is the number of leading zero bit pairs of its SHA-256; a node holds keys of one layer and, between
//! two keys, at most one child of the layer below. So the tree is a function of its records, whatever the order of
//! changes was. That is used here: the known nodes are read from left to right as a sequence of records and unknown
//! subtrees, the operations are undone in the sequence, and the tree of the result is built from left to right again.
//! Where building needs to look into an unknown subtree, the proof is incomplete.

mod walk;
mod node;

mod undo;

mod build;

use fanjet_event::Cid;
use fanjet_firehose::{Blocks, Ops};
use sha2::{Digest, Sha256};

use crate::Refusal;

/// The root of the tree before the operations, given the root `data` after them.
pub(crate) fn root_before(blocks: &Blocks<'_>, data: Cid, ops: &Ops<'_>) -> Result<Cid, Refusal> {
    if ops.is_empty() {
        return Ok(data);
    }
    let mut undo = undo::Undo::new(ops)?;
    walk::walk(blocks, data, &mut undo)?;
    undo.finish()
}

/// Where a key's bytes are among [`Keys`].
#[derive(Debug, Clone, Copy)]
struct Key {
    start: usize,
    end: usize,
}

/// The bytes of all keys of one frame, one behind the other.
#[derive(Debug, Default)]
struct Keys(Vec<u8>);

impl Keys {
    fn get(&self, key: Key) -> &[u8] {
        self.0.get(key.start..key.end).unwrap_or_default()
    }

    /// Adds a key made of the first `shared` bytes of `before` and `rest`.
    fn add(&mut self, before: Option<(Key, usize)>, rest: &[u8]) -> Result<Key, Refusal> {
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

/// The layer that a key lives on.
fn layer_of(key: &[u8]) -> u32 {
    let mut bits = 0;
    for byte in Sha256::digest(key) {
        bits += byte.leading_zeros();
        if byte != 0 {
            break;
        }
    }
    bits / 2
}

#[cfg(test)]
mod tests;
