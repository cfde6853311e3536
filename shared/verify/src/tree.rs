//! The Merkle Search Tree of a repo, of which the CAR contains some nodes.
//!
//! A key's layer is the number of leading zero bit pairs of its SHA-256; a node contains keys of one layer and, between
//! two keys, at most one child of the layer below. So the tree is a function of its records, whatever the order of
//! changes was. The verifier uses this: the known nodes are read from left to right as a sequence of records and
//! unknown subtrees, the operations are undone in the sequence, and the tree of the result is rebuilt from left to
//! right. If rebuilding needs the contents of an unknown subtree, the proof is incomplete.

mod keys;
mod node;

mod build;

mod undo;

mod walk;

use fanjet_event::Cid;
use fanjet_firehose::{Blocks, Ops};

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

#[cfg(test)]
mod tests;
