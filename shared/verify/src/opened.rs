//! A commit frame with its blocks found and its commit object parsed.

use fanjet_event::{Cid, Codec};
use fanjet_firehose::{Blocks, Commit, Sync};

use crate::signed::Signed;
use crate::{PublicKey, Refusal, limits, tree};

/// A commit whose object matches its CID and the frame.
#[derive(Debug)]
pub struct Opened<'a> {
    blocks: Blocks<'a>,
    signed: Signed<'a>,
}

/// The result of undoing the operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inversion {
    /// The operations fully explain the change of the repo.
    Proven,
    /// The frame lacks the previous state (`prevData`): its host does not support Sync 1.1 yet.
    Unverifiable,
}

impl<'a> Opened<'a> {
    /// Opens a commit frame.
    ///
    /// # Errors
    /// A [`Refusal`] whose [`blame`](Refusal::blame) is the commit.
    pub fn commit(frame: &Commit<'a>) -> Result<Self, Refusal> {
        if frame.ops.len() > limits::OPS {
            return Err(Refusal::TooLarge);
        }
        let opened = Self::open(frame.blocks, frame.repo, frame.rev)?;
        if opened.blocks.root() != frame.commit {
            return Err(Refusal::WrongRoot);
        }
        Ok(opened)
    }

    /// Opens a sync frame: there is a signature to check, and nothing to undo.
    ///
    /// # Errors
    /// As [`Opened::commit`].
    pub fn sync(frame: &Sync<'a>) -> Result<Self, Refusal> {
        Self::open(frame.blocks, frame.did, frame.rev)
    }

    fn open(car: &'a [u8], did: &str, rev: &str) -> Result<Self, Refusal> {
        if car.len() > limits::CAR_BYTES {
            return Err(Refusal::TooLarge);
        }
        let blocks = Blocks::read(car)?;
        let root = blocks.root().ok_or(Refusal::WrongRoot)?;
        let block = blocks.get(root).ok_or(Refusal::MissingCommit)?;
        if root.codec() != Codec::DagCbor || !root.matches(block) {
            return Err(Refusal::CommitMismatch);
        }
        let signed = Signed::read(block)?;
        if signed.did != did {
            return Err(Refusal::WrongDid);
        }
        if signed.rev != rev {
            return Err(Refusal::WrongRev);
        }
        Ok(Self { blocks, signed })
    }

    /// Checks the commit's signature.
    ///
    /// # Errors
    /// A [`Refusal`] whose [`blame`](Refusal::blame) is the signature.
    pub fn check_signature(&self, key: &PublicKey) -> Result<(), Refusal> {
        key.verify(&self.signed.message, self.signed.signature)
    }

    /// Undoes the frame's operations, and compares the tree with the previous one.
    ///
    /// # Errors
    /// A [`Refusal`] whose [`blame`](Refusal::blame) is the inversion, or [`Refusal::TooLarge`].
    pub fn undo(&self, frame: &Commit<'_>) -> Result<Inversion, Refusal> {
        let Some(prev_data) = frame.prev_data else {
            return Ok(Inversion::Unverifiable);
        };
        if tree::root_before(&self.blocks, self.signed.data, &frame.ops)? == prev_data {
            Ok(Inversion::Proven)
        } else {
            Err(Refusal::WrongPrevData)
        }
    }

    /// The root of the repo's tree, as signed.
    pub fn data(&self) -> Cid {
        self.signed.data
    }
}
