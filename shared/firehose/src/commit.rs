//! A commit, and its operations with their records.

use fanjet_event::{Action, Cid};

use crate::car::{Lookup, Sections};
use crate::error::{CarError, OpError};
use crate::ops::{ListedOp, Ops, OpsIter};

/// `#commit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit<'a> {
    /// Relay seq.
    pub seq: u64,
    /// The repo's DID.
    pub repo: &'a str,
    /// The new revision.
    pub rev: &'a str,
    /// The revision before; `None` when the commit holds the whole repo.
    pub since: Option<&'a str>,
    /// The upstream's RFC 3339 time.
    pub time: &'a str,
    /// The commit was too large for the stream: operations and blocks are missing. No longer sent.
    pub too_big: bool,
    /// The CID of the signed commit block.
    pub commit: Option<Cid>,
    /// The root of the repo's tree before this commit.
    pub prev_data: Option<Cid>,
    /// A CAR with the blocks that changed.
    pub blocks: &'a [u8],
    /// What changed.
    pub ops: Ops<'a>,
}

/// One operation, with its record checked against its CID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation<'a> {
    /// What happened to the record.
    pub action: Action,
    /// The path before the `/`; not yet checked to be an NSID.
    pub collection: &'a str,
    /// The path behind the `/`; not yet checked to be a record key.
    pub rkey: &'a str,
    /// The record now; `None` for a delete.
    pub content: Option<Content<'a>>,
}

/// A record's bytes and what they hash to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content<'a> {
    /// The CID that the operation and the block agree on.
    pub cid: Cid,
    /// DAG-CBOR, for [`write_record_json`](crate::write_record_json).
    pub record: &'a [u8],
}

impl<'a> Commit<'a> {
    /// All operations in op order, each with its index, its record found among the blocks, and the record's SHA-256
    /// compared with the CID. Where two blocks have the same CID the first one counts.
    ///
    /// The repo's tree is not walked: a record that is among the blocks but not in the tree is served.
    ///
    /// # Errors
    /// [`CarError`] when the blocks cannot be read at all; the whole commit is lost. A single bad operation is an
    /// [`OpError`] in its place, and its siblings survive.
    pub fn operations(
        &self,
    ) -> Result<impl Iterator<Item = (u32, Result<Operation<'a>, OpError>)> + use<'a>, CarError>
    {
        let mut ops = self.ops.iter();
        let first = ops.next();
        let wanted = match first {
            Some(Ok(op)) => op.cid,
            _ => None,
        };
        let sections = Sections::open(self.blocks)?;
        Ok(Operations {
            blocks: Lookup::new(sections, wanted, self.ops.len())?,
            first,
            rest: ops,
            index: 0,
        })
    }

    /// Number of operations, good and bad.
    pub fn op_count(&self) -> u32 {
        self.ops.len()
    }
}

struct Operations<'a> {
    blocks: Lookup<'a>,
    first: Option<Result<ListedOp<'a>, OpError>>,
    rest: OpsIter<'a>,
    index: u32,
}

impl<'a> Iterator for Operations<'a> {
    type Item = (u32, Result<Operation<'a>, OpError>);

    fn next(&mut self) -> Option<Self::Item> {
        let listed = self.first.take().or_else(|| self.rest.next())?;
        let index = self.index;
        self.index += 1;
        Some((index, listed.and_then(|op| self.resolve(op))))
    }
}

impl<'a> Operations<'a> {
    fn resolve(&self, op: ListedOp<'a>) -> Result<Operation<'a>, OpError> {
        let content = match op.cid {
            None => None,
            Some(cid) => {
                let record = self.blocks.find(cid).ok_or(OpError::MissingBlock)?;
                if !cid.matches(record) {
                    return Err(OpError::CidMismatch);
                }
                Some(Content { cid, record })
            }
        };
        Ok(Operation {
            action: op.action,
            collection: op.collection,
            rkey: op.rkey,
            content,
        })
    }
}

#[cfg(test)]
mod tests;
