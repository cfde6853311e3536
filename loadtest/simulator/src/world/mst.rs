//! The Merkle Search Tree of a repo, in memory, with the nodes that prove a commit.
//!
//! A key's layer is the number of leading zero bit pairs of its SHA-256; every node holds the keys of one layer
//! of one interval, and between two keys at most one child. The shape depends on the set of keys only, never on
//! the order of changes. Specification: <https://atproto.com/specs/repository#mst-structure>.

mod node;

use fanjet_event::Cid;
use sha2::{Digest, Sha256};

use node::Node;

/// A tree from `collection/rkey` paths to record CIDs.
#[derive(Debug, Default)]
pub(crate) struct Mst {
    root: Node,
    /// The layer of the root node; 0 when the tree is empty.
    layer: u32,
}

impl Mst {
    /// Adds or replaces a record; returns the CID it had.
    pub(crate) fn insert(&mut self, path: &str, cid: Cid) -> Option<Cid> {
        if let Some(previous) = self.root.replace(path, cid) {
            return Some(previous);
        }
        let layer = layer_of(path);
        if self.root.is_empty() {
            self.layer = layer;
        }
        if layer > self.layer {
            let root = std::mem::take(&mut self.root);
            let (left, right) = root.split(path);
            let lift =
                |half: Option<Box<Node>>| half.map(|half| Node::lift(half, layer - 1 - self.layer));
            self.root = Node::with_one(path, cid, lift(left), lift(right));
            self.layer = layer;
        } else {
            self.root.insert(path, cid, self.layer - layer);
        }
        None
    }

    /// Removes a record; returns the CID it had.
    pub(crate) fn remove(&mut self, path: &str) -> Option<Cid> {
        let previous = self.root.remove(path)?;
        while let Some(only_child) = self.root.take_only_child() {
            self.root = *only_child;
            self.layer -= 1;
        }
        if self.root.is_empty() {
            self.layer = 0;
        }
        Some(previous)
    }

    /// The CID of the root node: the `data` of a commit.
    pub(crate) fn root_cid(&mut self) -> Cid {
        self.root.cid()
    }

    /// Returns every node whose interval touches one of the `paths` (sorted), parents after children: these include all
    /// nodes that a change of these paths created, and all nodes that are needed to undo it.
    pub(crate) fn proof(&mut self, paths: &[&str], blocks: &mut Vec<(Cid, Vec<u8>)>) {
        self.root.proof(paths, blocks);
    }
}

/// The layer that a path lives on: leading zero bits of its SHA-256, in pairs (fanout 4).
pub(crate) fn layer_of(path: &str) -> u32 {
    let mut bits = 0;
    for byte in Sha256::digest(path.as_bytes()) {
        bits += byte.leading_zeros();
        if byte != 0 {
            break;
        }
    }
    bits / 2
}

#[cfg(test)]
mod tests;
