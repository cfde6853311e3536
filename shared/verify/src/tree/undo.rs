//! Undoes operations in the sequence of a tree's records and unknown subtrees, as it passes.

use fanjet_event::{Action, Cid};
use fanjet_firehose::{ListedOp, Ops};

use super::build::Builder;
use super::keys::{Key, Keys, layer_of};
use crate::Refusal;

/// Takes the tree after the operations from left to right, and builds the previous one.
pub(super) struct Undo<'a> {
    pub(super) keys: Keys,
    /// Sorted by path; those before `next` are undone.
    ops: Vec<ListedOp<'a>>,
    next: usize,
    /// Whether an unknown subtree is between the last record and the next one: its contents are unknown.
    unknown: bool,
    builder: Builder,
}

impl<'a> Undo<'a> {
    pub(super) fn new(ops: &Ops<'a>) -> Result<Self, Refusal> {
        let mut listed = Vec::with_capacity(ops.len() as usize);
        for op in ops.listed() {
            let op = op.map_err(|_| Refusal::MalformedOp)?;
            match (op.action, op.prev) {
                (Action::Create, Some(_)) => return Err(Refusal::MalformedOp),
                (Action::Update | Action::Delete, None) => return Err(Refusal::MissingPrev),
                _ => listed.push(op),
            }
        }
        listed.sort_unstable_by_key(|op| op.path);
        if listed.windows(2).any(|pair| pair[0].path == pair[1].path) {
            return Err(Refusal::DuplicatePath);
        }
        Ok(Self {
            keys: Keys::default(),
            ops: listed,
            next: 0,
            unknown: false,
            builder: Builder::default(),
        })
    }

    /// The next item in the tree is a record.
    pub(super) fn record(&mut self, key: Key, value: Cid, layer: u32) -> Result<(), Refusal> {
        while let Some(op) = self.next_op()
            && op.path.as_bytes() < self.keys.get(key)
        {
            self.absent(op)?;
        }
        self.unknown = false;
        let value = match self.next_op() {
            Some(op) if op.path.as_bytes() == self.keys.get(key) => {
                self.next += 1;
                if op.action == Action::Delete {
                    return Err(Refusal::StillInTree);
                }
                if op.cid != Some(value) {
                    return Err(Refusal::NotInTree);
                }
                op.prev
            }
            _ => Some(value),
        };
        match value {
            Some(value) => self.builder.record(&self.keys, key, value, layer),
            None => Ok(()),
        }
    }

    /// The next item in the tree is a subtree that is not in the CAR.
    pub(super) fn unknown(&mut self, node: Cid, layer: u32) -> Result<(), Refusal> {
        self.unknown = true;
        self.builder.subtree(&self.keys, node, layer)
    }

    /// The tree ends: returns the root of the previous tree.
    pub(super) fn finish(mut self) -> Result<Cid, Refusal> {
        while let Some(op) = self.next_op() {
            self.absent(op)?;
        }
        self.builder.finish(&self.keys)
    }

    fn next_op(&self) -> Option<ListedOp<'a>> {
        self.ops.get(self.next).copied()
    }

    /// The tree has no record under the path of the next operation.
    fn absent(&mut self, op: ListedOp<'a>) -> Result<(), Refusal> {
        self.next += 1;
        if self.unknown {
            return Err(Refusal::Incomplete);
        }
        let (Action::Delete, Some(prev)) = (op.action, op.prev) else {
            return Err(Refusal::NotInTree);
        };
        let path = op.path.as_bytes();
        let key = self.keys.add(None, path)?;
        self.builder.record(&self.keys, key, prev, layer_of(path))
    }
}
