//! All blocks of a CAR, found by CID: for who walks a repo's tree.

use fanjet_event::Cid;

use crate::car::{Block, Sections};
use crate::error::CarError;

/// The blocks of a CAR, borrowed from it. Nothing is hashed here.
#[derive(Debug, Clone)]
pub struct Blocks<'a> {
    root: Option<Cid>,
    /// Sorted by CID; of equal ones the first in the CAR stands first.
    index: Vec<Block<'a>>,
}

impl<'a> Blocks<'a> {
    /// Reads through a CAR.
    ///
    /// # Errors
    /// [`CarError`] when it cannot be read to its end.
    pub fn read(car: &'a [u8]) -> Result<Self, CarError> {
        let (mut sections, root) = Sections::open_with_root(car)?;
        let mut index = Vec::with_capacity(16);
        while let Some(block) = sections.next_block()? {
            index.push(block);
        }
        index.sort_by_key(|&(cid, _)| cid);
        Ok(Self { root, index })
    }

    /// The first root; `None` when it is not of a blessed format.
    pub fn root(&self) -> Option<Cid> {
        self.root
    }

    /// The first block under a CID. Whether its bytes are what the CID says is the caller's to check.
    pub fn get(&self, cid: Cid) -> Option<&'a [u8]> {
        let wanted = cid.to_bytes();
        let at = self.index.partition_point(|(cid, _)| **cid < wanted);
        self.index
            .get(at)
            .filter(|(cid, _)| **cid == wanted)
            .map(|&(_, block)| block)
    }
}
