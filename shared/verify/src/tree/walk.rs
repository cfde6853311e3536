//! Reads the known nodes from left to right.

use std::collections::HashSet;

use fanjet_event::{Cid, Codec};
use fanjet_firehose::Blocks;

use super::keys::{Key, layer_of};
use super::node::{Node, NodeEntry};
use super::undo::Undo;
use crate::Refusal;

/// Passes all records and unknown subtrees below `root` to `undo`, and validates every node on the way: its hash, its
/// form, the order of keys, their layers. Each node is entered at most once, and never deeper than a hash has bit
/// pairs.
pub(super) fn walk(blocks: &Blocks<'_>, root: Cid, undo: &mut Undo<'_>) -> Result<(), Refusal> {
    let mut walk = Walk {
        blocks,
        undo,
        entered: HashSet::with_capacity(16),
        last: None,
    };
    let node = walk.node(root)?.ok_or(Refusal::Incomplete)?;
    match node.entries.first() {
        Some(first) => {
            let layer = layer_of(first.rest);
            walk.below(&node, layer)
        }
        // Only the empty tree has a root without keys.
        None if node.left.is_none() => Ok(()),
        None => Err(Refusal::MalformedNode),
    }
}

struct Walk<'w, 'a, 'o> {
    blocks: &'w Blocks<'a>,
    undo: &'w mut Undo<'o>,
    entered: HashSet<Cid>,
    /// The last key seen.
    last: Option<Key>,
}

impl<'a> Walk<'_, 'a, '_> {
    /// A node in the CAR.
    fn node(&mut self, cid: Cid) -> Result<Option<Node<'a>>, Refusal> {
        if cid.codec() != Codec::DagCbor {
            return Err(Refusal::MalformedNode);
        }
        let Some(block) = self.blocks.get(cid) else {
            return Ok(None);
        };
        // The same subtree twice would contain the same keys twice.
        if !self.entered.insert(cid) {
            return Err(Refusal::KeyOrder);
        }
        if !cid.matches(block) {
            return Err(Refusal::NodeMismatch);
        }
        Node::read(block).map(Some)
    }

    /// Everything in a node of the given layer.
    fn below(&mut self, node: &Node<'a>, layer: u32) -> Result<(), Refusal> {
        self.child(node.left, layer)?;
        let mut before = None;
        for entry in &node.entries {
            before = Some(self.entry(entry, before, layer)?);
            self.child(entry.right, layer)?;
        }
        Ok(())
    }

    fn child(&mut self, cid: Option<Cid>, parent_layer: u32) -> Result<(), Refusal> {
        let Some(cid) = cid else {
            return Ok(());
        };
        let layer = parent_layer.checked_sub(1).ok_or(Refusal::WrongLayer)?;
        match self.node(cid)? {
            None => self.undo.unknown(cid, layer),
            Some(node) if node.entries.is_empty() && node.left.is_none() => {
                Err(Refusal::MalformedNode)
            }
            Some(node) => self.below(&node, layer),
        }
    }

    fn entry(
        &mut self,
        entry: &NodeEntry<'_>,
        before: Option<Key>,
        layer: u32,
    ) -> Result<Key, Refusal> {
        let keys = &mut self.undo.keys;
        let known = before.map(|before| keys.get(before)).unwrap_or_default();
        // The shared prefix has its maximum length, so that a node has one form.
        let is_longest = match known.get(..entry.shared) {
            Some(_) => known
                .get(entry.shared)
                .is_none_or(|next| entry.rest.first() != Some(next)),
            None => false,
        };
        if !is_longest || entry.rest.is_empty() {
            return Err(if entry.rest.is_empty() {
                Refusal::KeyOrder
            } else {
                Refusal::MalformedNode
            });
        }
        let key = keys.add(before.map(|before| (before, entry.shared)), entry.rest)?;
        if self
            .last
            .is_some_and(|last| keys.get(last) >= keys.get(key))
        {
            return Err(Refusal::KeyOrder);
        }
        self.last = Some(key);
        if layer_of(keys.get(key)) != layer {
            return Err(Refusal::WrongLayer);
        }
        self.undo.record(key, entry.value, layer)?;
        Ok(key)
    }
}
