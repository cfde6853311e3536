//! Builds a tree from left to right. A node is finished, and hashed, when something to its right is on a higher layer.

use fanjet_event::Cid;

use super::keys::{Key, Keys};
use crate::Refusal;

/// The unfinished nodes along the right edge; by layer.
#[derive(Debug, Default)]
pub(super) struct Builder {
    levels: Vec<Level>,
    /// The node that is being written.
    block: Vec<u8>,
}

/// An unfinished node.
#[derive(Debug, Default)]
struct Level {
    left: Option<Cid>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    value: Cid,
    right: Option<Cid>,
}

impl Builder {
    /// Adds a record, to the right of everything so far.
    pub(super) fn record(
        &mut self,
        keys: &Keys,
        key: Key,
        value: Cid,
        layer: u32,
    ) -> Result<(), Refusal> {
        let layer = layer as usize;
        let child = self.close_below(keys, layer)?;
        let level = self.level(layer);
        level.hang(child)?;
        level.entries.push(Entry {
            key,
            value,
            right: None,
        });
        Ok(())
    }

    /// Adds a subtree of which only the CID is known, to the right of everything so far.
    ///
    /// Fails if it would have to be merged with a neighbor in the same gap, for which its contents would be needed.
    pub(super) fn subtree(&mut self, keys: &Keys, node: Cid, layer: u32) -> Result<(), Refusal> {
        let above = layer as usize + 1;
        let child = self.close_below(keys, above)?;
        let level = self.level(above);
        level.hang(child)?;
        level.hang(Some(node))
    }

    /// The root: the highest node, or the only subtree.
    pub(super) fn finish(mut self, keys: &Keys) -> Result<Cid, Refusal> {
        let Some(top) = self.levels.iter().rposition(|level| !level.is_empty()) else {
            write_node(&mut self.block, keys, &Level::default());
            return Ok(Cid::of_dag_cbor(&self.block));
        };
        let child = self.close_below(keys, top)?;
        let level = self.level(top);
        level.hang(child)?;
        if level.entries.is_empty()
            && let Some(only) = level.left
        {
            return Ok(only);
        }
        self.close(keys, top).ok_or(Refusal::Incomplete)
    }

    /// Finishes all nodes below a layer; returns the highest of them.
    fn close_below(&mut self, keys: &Keys, layer: usize) -> Result<Option<Cid>, Refusal> {
        let mut child = None;
        for below in 0..layer {
            if child.is_some()
                || self
                    .levels
                    .get(below)
                    .is_some_and(|level| !level.is_empty())
            {
                self.level(below).hang(child)?;
                child = self.close(keys, below);
            }
        }
        Ok(child)
    }

    fn close(&mut self, keys: &Keys, layer: usize) -> Option<Cid> {
        let level = self
            .levels
            .get_mut(layer)
            .filter(|level| !level.is_empty())?;
        write_node(&mut self.block, keys, level);
        level.left = None;
        level.entries.clear();
        Some(Cid::of_dag_cbor(&self.block))
    }

    fn level(&mut self, layer: usize) -> &mut Level {
        if self.levels.len() <= layer {
            self.levels.resize_with(layer + 1, Level::default);
        }
        &mut self.levels[layer]
    }
}

impl Level {
    fn is_empty(&self) -> bool {
        self.left.is_none() && self.entries.is_empty()
    }

    /// Puts a child into the last gap, which must be free.
    fn hang(&mut self, child: Option<Cid>) -> Result<(), Refusal> {
        if child.is_none() {
            return Ok(());
        }
        let gap = match self.entries.last_mut() {
            Some(last) => &mut last.right,
            None => &mut self.left,
        };
        if gap.is_some() {
            return Err(Refusal::Incomplete);
        }
        *gap = child;
        Ok(())
    }
}

fn write_node(out: &mut Vec<u8>, keys: &Keys, level: &Level) {
    out.clear();
    out.extend_from_slice(&[0xa2, 0x61, b'e']);
    head(out, 4, level.entries.len());
    let mut before: &[u8] = &[];
    for entry in &level.entries {
        let key = keys.get(entry.key);
        let shared = std::iter::zip(before, key)
            .take_while(|(a, b)| a == b)
            .count();
        out.extend_from_slice(&[0xa4, 0x61, b'k']);
        let rest = key.get(shared..).unwrap_or_default();
        head(out, 2, rest.len());
        out.extend_from_slice(rest);
        out.extend_from_slice(&[0x61, b'p']);
        head(out, 0, shared);
        out.extend_from_slice(&[0x61, b't']);
        link_or_null(out, entry.right);
        out.extend_from_slice(&[0x61, b'v']);
        link_or_null(out, Some(entry.value));
        before = key;
    }
    out.extend_from_slice(&[0x61, b'l']);
    link_or_null(out, level.left);
}

/// A head in its shortest form. Lengths here are below 2^32.
fn head(out: &mut Vec<u8>, major: u8, value: usize) {
    let major = major << 5;
    match value {
        0..=23 => out.push(major | value as u8),
        24..=0xff => out.extend_from_slice(&[major | 24, value as u8]),
        0x100..=0xffff => {
            out.push(major | 25);
            out.extend_from_slice(&(value as u16).to_be_bytes());
        }
        _ => {
            out.push(major | 26);
            out.extend_from_slice(&(value as u32).to_be_bytes());
        }
    }
}

fn link_or_null(out: &mut Vec<u8>, cid: Option<Cid>) {
    match cid {
        // Tag 42 around 37 bytes, the first of them zero.
        Some(cid) => {
            out.extend_from_slice(&[0xd8, 42, 0x58, 37, 0]);
            out.extend_from_slice(&cid.to_bytes());
        }
        None => out.push(0xf6),
    }
}
