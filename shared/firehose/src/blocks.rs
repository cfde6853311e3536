//! All blocks of a CAR, found by CID. However often a block is referenced, it is hashed once.

use std::cell::Cell;

use fanjet_event::Cid;
use smallvec::SmallVec;

use crate::car::Sections;
use crate::error::CarError;

/// The blocks of a CAR, borrowed from it.
#[derive(Debug, Clone)]
pub struct Blocks<'a> {
    root: Option<Cid>,
    /// In the CAR's order while there are few; otherwise sorted by CID, with the first of equal ones in the CAR first.
    index: SmallVec<[Entry<'a>; FEW]>,
}

/// Up to this many blocks a linear search costs less than sorting. Nearly all commits have fewer.
const FEW: usize = 24;

#[derive(Debug, Clone)]
struct Entry<'a> {
    cid: &'a [u8; Cid::LEN],
    block: &'a [u8],
    matches: Cell<Option<bool>>,
    is_entered: Cell<bool>,
}

/// A block whose bytes do not match its CID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mismatch;

impl<'a> Blocks<'a> {
    /// Reads through a CAR. Nothing is hashed yet.
    ///
    /// # Errors
    /// [`CarError`] when it cannot be read to its end.
    pub fn read(car: &'a [u8]) -> Result<Self, CarError> {
        let (mut sections, root) = Sections::open(car)?;
        let mut index = SmallVec::<[Entry<'a>; FEW]>::new();
        while let Some((cid, block)) = sections.next_block()? {
            index.push(Entry {
                cid,
                block,
                matches: Cell::new(None),
                is_entered: Cell::new(false),
            });
        }
        if index.len() > FEW {
            index.sort_by_key(|entry| entry.cid);
        }
        Ok(Self { root, index })
    }

    /// The first root; `None` when it is not of a blessed format.
    pub fn root(&self) -> Option<Cid> {
        self.root
    }

    /// The first block under a CID. The caller checks whether its bytes match the CID.
    pub fn get(&self, cid: Cid) -> Option<&'a [u8]> {
        self.entry(&cid.to_bytes()).map(|entry| entry.block)
    }

    /// The first block under a CID, which must match it; `None` if there is none.
    pub(crate) fn matching(&self, cid: Cid) -> Result<Option<&'a [u8]>, Mismatch> {
        match self.entry(&cid.to_bytes()) {
            None => Ok(None),
            Some(entry) => entry.matching(cid).map(Some),
        }
    }

    /// As [`Blocks::matching`], for a tree node: a second request for the same node is a mismatch. No tree contains a
    /// node twice, since it contains no key twice.
    pub(crate) fn enter(&self, cid: Cid) -> Result<Option<&'a [u8]>, Mismatch> {
        match self.entry(&cid.to_bytes()) {
            None => Ok(None),
            Some(entry) if entry.is_entered.replace(true) => Err(Mismatch),
            Some(entry) => entry.matching(cid).map(Some),
        }
    }

    /// Allows all nodes to be entered again.
    pub(crate) fn leave(&self) {
        for entry in &self.index {
            entry.is_entered.set(false);
        }
    }

    fn entry(&self, wanted: &[u8; Cid::LEN]) -> Option<&Entry<'a>> {
        if self.index.len() <= FEW {
            return self.index.iter().find(|entry| entry.cid == wanted);
        }
        let at = self.index.partition_point(|entry| entry.cid < wanted);
        self.index.get(at).filter(|entry| entry.cid == wanted)
    }
}

impl<'a> Entry<'a> {
    fn matching(&self, cid: Cid) -> Result<&'a [u8], Mismatch> {
        let matches = self.matches.get().unwrap_or_else(|| {
            let matches = cid.matches(self.block);
            self.matches.set(Some(matches));
            matches
        });
        if matches {
            Ok(self.block)
        } else {
            Err(Mismatch)
        }
    }
}
