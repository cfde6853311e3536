//! A commit, and its operations with their records.

use fanjet_event::{Action, Cid};

use crate::blocks::{Blocks, Mismatch};
use crate::error::{CarError, OpError, SignedError};
use crate::ops::{ListedOp, Ops};
use crate::signed;
use crate::tree::{self, Claim};

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
    /// The operations.
    pub ops: Ops<'a>,
}

/// One operation, with its record verified against its CID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation<'a> {
    /// What happened to the record.
    pub action: Action,
    /// `<collection>/<rkey>`.
    pub path: &'a str,
    /// The path before the `/`; not validated as an NSID.
    pub collection: &'a str,
    /// The path after the `/`; not validated as a record key.
    pub rkey: &'a str,
    /// The new record; `None` for a delete.
    pub content: Option<Content<'a>>,
}

/// A record's bytes and their hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content<'a> {
    /// The CID that the operation and the block agree on.
    pub cid: Cid,
    /// DAG-CBOR, for [`write_record_json`](crate::write_record_json).
    pub record: &'a [u8],
}

impl<'a> Commit<'a> {
    /// Indexes the commit's blocks.
    ///
    /// # Errors
    /// [`CarError`] if they cannot be parsed: then no operation of the commit can be used.
    pub fn open(&self) -> Result<OpenCommit<'a>, CarError> {
        Ok(OpenCommit {
            commit: *self,
            blocks: Blocks::read(self.blocks)?,
        })
    }

    /// Number of operations, good and bad.
    pub fn op_count(&self) -> u32 {
        self.ops.len()
    }
}

/// A commit with an index of its blocks.
#[derive(Debug, Clone)]
pub struct OpenCommit<'a> {
    commit: Commit<'a>,
    blocks: Blocks<'a>,
}

impl<'a> OpenCommit<'a> {
    /// All operations in op order, each with its index, its record found among the blocks, and the record's SHA-256
    /// compared with the CID. If two blocks have the same CID the first one counts. Whether the repo contains these
    /// records is checked separately: see [`OpenCommit::prove`].
    ///
    /// A single invalid operation is an [`OpError`] at its index, and the others are kept.
    pub fn operations(&self) -> impl Iterator<Item = (u32, Result<Operation<'a>, OpError>)> + '_ {
        let listed = (0..).zip(self.commit.ops.iter());
        listed.map(|(index, op)| (index, op.and_then(|op| self.resolve(op))))
    }

    /// Checks claims against the tree whose root the signed commit names. Walks only nodes on the way to claimed paths,
    /// each once, and hashes them.
    ///
    /// # Errors
    /// [`SignedError`] when the frame does not contain its signed commit; then no claim is checked.
    pub fn prove(&self, claims: &mut [Claim<'_>]) -> Result<(), SignedError> {
        let Commit {
            commit, repo, rev, ..
        } = self.commit;
        let data = signed::data(commit, repo, rev, &self.blocks)?;
        tree::prove(&self.blocks, data, claims);
        Ok(())
    }

    fn resolve(&self, op: ListedOp<'a>) -> Result<Operation<'a>, OpError> {
        let content = match op.cid {
            None => None,
            Some(cid) => {
                let found = self.blocks.matching(cid);
                let record = found
                    .map_err(|Mismatch| OpError::CidMismatch)?
                    .ok_or(OpError::MissingBlock)?;
                Some(Content { cid, record })
            }
        };
        Ok(Operation {
            action: op.action,
            path: op.path,
            collection: op.collection,
            rkey: op.rkey,
            content,
        })
    }
}

#[cfg(test)]
mod tests;
