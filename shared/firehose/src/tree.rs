//! Checks operations against the repo's tree, as far as the commit's blocks contain it.
//!
//! All claims descend the tree together, sorted by path: each node on the way is hashed and read once, and a node that
//! no claim needs is not read. So the work is bounded by the bytes of the blocks and the number of claims, whatever
//! shape the blocks give the tree. Layers are not checked: a key is where a search for it ends.

use fanjet_event::{Cid, Codec};
use smallvec::SmallVec;

use crate::blocks::{Blocks, Mismatch};
use crate::cbor::{Item, Reader};
use crate::error::OpError;

/// Longest path in bytes: a collection has at most 317, a record key 512.
pub const MAX_PATH: usize = 830;

/// What an operation claims about the tree, and the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim<'p> {
    /// `<collection>/<rkey>`.
    path: &'p str,
    /// The current record; `None` if there is none.
    record: Option<Cid>,
    verdict: Result<(), OpError>,
}

impl<'p> Claim<'p> {
    /// A claim that has not been checked yet.
    pub fn new(path: &'p str, record: Option<Cid>) -> Self {
        Self {
            path,
            record,
            verdict: Ok(()),
        }
    }

    /// Whether the claim is true, or is a delete that the blocks do not contradict.
    ///
    /// # Errors
    /// [`OpError::NotInTree`], [`OpError::StillInTree`], [`OpError::MissingNode`], or [`OpError::InvalidNode`].
    pub fn verdict(&self) -> Result<(), OpError> {
        self.verdict
    }

    fn judge(&mut self, finding: Finding) {
        self.verdict = match (finding, self.record) {
            (Finding::Record(Some(found)), Some(record)) if found == record => Ok(()),
            (Finding::Record(_) | Finding::Absent, Some(_)) => Err(OpError::NotInTree),
            (Finding::Record(_), None) => Err(OpError::StillInTree),
            (Finding::Unknown, Some(_)) => Err(OpError::MissingNode),
            (Finding::Absent | Finding::Unknown, None) => Ok(()),
            (Finding::Invalid, _) => Err(OpError::InvalidNode),
        };
    }
}

/// What is under a path.
#[derive(Clone, Copy)]
enum Finding {
    /// `None`: a record under a CID of an unsupported form.
    Record(Option<Cid>),
    Absent,
    /// The path leads into a node that the commit does not contain.
    Unknown,
    /// The path leads through a block that is not a node.
    Invalid,
}

/// Checks claims against the tree below `root`.
pub(crate) fn prove(blocks: &Blocks<'_>, root: Cid, claims: &mut [Claim<'_>]) {
    // By reference, so that the claims stay where they are.
    let mut sorted: SmallVec<[&mut Claim<'_>; 8]> = claims.iter_mut().collect();
    sorted.sort_unstable_by_key(|claim| claim.path);
    let mut walk = Walk {
        claims: &mut sorted,
        ahead: SmallVec::new(),
        key: SmallVec::new(),
    };
    walk.ahead.push((root, 0, walk.claims.len()));
    while let Some((node, from, to)) = walk.ahead.pop() {
        walk.enter(blocks, node, (from, to));
    }
    blocks.leave();
}

struct Walk<'w, 'c, 'p> {
    /// Sorted by path.
    claims: &'w mut [&'c mut Claim<'p>],
    /// Nodes still to be entered, each with its claims.
    ahead: SmallVec<[(Cid, usize, usize); 16]>,
    /// The current key, decompressed.
    key: SmallVec<[u8; 128]>,
}

impl Walk<'_, '_, '_> {
    fn enter(&mut self, blocks: &Blocks<'_>, node: Cid, (from, to): (usize, usize)) {
        if node.codec() != Codec::DagCbor {
            return self.judge((from, to), Finding::Invalid);
        }
        match blocks.enter(node) {
            Ok(Some(block)) => {
                if self.read(block, (from, to)).is_none() {
                    // Claims that this node passed further on are called back with the rest.
                    self.ahead
                        .retain(|(_, start, _)| !(from..to).contains(start));
                    self.judge((from, to), Finding::Invalid);
                }
            }
            Ok(None) => self.judge((from, to), Finding::Unknown),
            Err(Mismatch) => self.judge((from, to), Finding::Invalid),
        }
    }

    /// Reads a node, `{"e": [{"k", "p", "t", "v"}...], "l"}`, and checks its claims or passes them to its children.
    /// `None` if it is not a node.
    fn read(&mut self, block: &[u8], (from, to): (usize, usize)) -> Option<()> {
        let mut reader = Reader::new(block);
        let Item::Map(fields) = reader.item().ok()? else {
            return None;
        };
        let (mut left, mut first) = (None, None);
        for _ in 0..fields {
            let is_second = match reader.key().ok()? {
                b"e" if first.is_none() => {
                    first = Some(self.read_entries(&mut reader, (from, to))?);
                    false
                }
                b"l" => left.replace(reader.item().ok()?.nullable(link)?).is_some(),
                _ => true,
            };
            if is_second {
                return None;
            }
        }
        self.descend(left.flatten(), (from, first?));
        reader.is_at_end().then_some(())
    }

    /// Returns the first claim that is not before all entries.
    fn read_entries(
        &mut self,
        reader: &mut Reader<'_>,
        (from, to): (usize, usize),
    ) -> Option<usize> {
        let Item::Array(count) = reader.item().ok()? else {
            return None;
        };
        self.key.clear();
        let mut first = None;
        // Claims from here on are after the last entry, and `child` is the subtree after it.
        let (mut next, mut child) = (from, None);
        for _ in 0..count {
            let entry = Entry::read(reader)?;
            self.grow_key(&entry)?;
            let behind = next;
            while next < to && self.claims[next].path.as_bytes() < &self.key[..] {
                next += 1;
            }
            match first {
                None => first = Some(next),
                Some(_) => self.descend(child, (behind, next)),
            }
            while next < to && self.claims[next].path.as_bytes() == &self.key[..] {
                self.claims[next].judge(Finding::Record(Cid::from_bytes(entry.value)));
                next += 1;
            }
            child = entry.right;
        }
        match first {
            None => Some(to),
            Some(first) => {
                self.descend(child, (next, to));
                Some(first)
            }
        }
    }

    /// Decompresses the key of the next entry, which must be above the one before.
    fn grow_key(&mut self, entry: &Entry<'_>) -> Option<()> {
        let replaced = self.key.get(entry.shared..)?;
        if replaced >= entry.rest || entry.shared + entry.rest.len() > MAX_PATH {
            return None;
        }
        self.key.truncate(entry.shared);
        self.key.extend_from_slice(entry.rest);
        Some(())
    }

    fn descend(&mut self, child: Option<&[u8]>, (from, to): (usize, usize)) {
        if from == to {
            return;
        }
        match child.map(Cid::from_bytes) {
            None => self.judge((from, to), Finding::Absent),
            Some(Some(child)) => self.ahead.push((child, from, to)),
            Some(None) => self.judge((from, to), Finding::Invalid),
        }
    }

    fn judge(&mut self, (from, to): (usize, usize), finding: Finding) {
        for claim in &mut self.claims[from..to] {
            claim.judge(finding);
        }
    }
}

/// A record of a node; its key is still compressed, its links unread.
struct Entry<'a> {
    /// How many bytes its key shares with the one before.
    shared: usize,
    rest: &'a [u8],
    value: &'a [u8],
    right: Option<&'a [u8]>,
}

/// The bytes before the 36 bytes of a CID in a link.
const LINK: [u8; 5] = [0xd8, 42, 0x58, 37, 0];

impl<'a> Entry<'a> {
    #[inline]
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        if let Some((entry, behind)) = Self::usual(reader.rest()) {
            reader.seek(reader.position() + reader.rest().len() - behind.len());
            return Some(entry);
        }
        Self::unusual(reader)
    }

    /// Parses an entry in its usual form, with a short key, and returns the rest.
    #[inline]
    fn usual(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (length, bytes) = match bytes.strip_prefix(b"\xa4\x61k")? {
            [head @ 0x40..=0x57, bytes @ ..] => (head - 0x40, bytes),
            [0x58, length @ 24..=0xff, bytes @ ..] => (*length, bytes),
            _ => return None,
        };
        let (rest, bytes) = bytes.split_at_checked(usize::from(length))?;
        let (shared, bytes) = match bytes.strip_prefix(b"\x61p")? {
            [shared @ 0..=23, bytes @ ..] | [0x18, shared @ 24..=0xff, bytes @ ..] => {
                (*shared, bytes)
            }
            _ => return None,
        };
        let (right, bytes) = match bytes.strip_prefix(b"\x61t")? {
            [0xf6, bytes @ ..] => (None, bytes),
            bytes => {
                let (cid, bytes) = bytes.strip_prefix(&LINK)?.split_at_checked(Cid::LEN)?;
                (Some(cid), bytes)
            }
        };
        let bytes = bytes.strip_prefix(b"\x61v")?.strip_prefix(&LINK)?;
        let (value, behind) = bytes.split_at_checked(Cid::LEN)?;
        let entry = Self {
            shared: usize::from(shared),
            rest,
            value,
            right,
        };
        Some((entry, behind))
    }

    /// Any entry with the same meaning.
    #[cold]
    fn unusual(reader: &mut Reader<'a>) -> Option<Self> {
        let Item::Map(fields) = reader.item().ok()? else {
            return None;
        };
        let (mut rest, mut shared, mut right, mut value) = (None, None, None, None);
        for _ in 0..fields {
            let is_second = match reader.key().ok()? {
                b"k" => rest.replace(reader.item().ok()?.bytes()?).is_some(),
                b"p" => shared.replace(reader.item().ok()?.unsigned()?).is_some(),
                b"t" => right.replace(reader.item().ok()?.nullable(link)?).is_some(),
                b"v" => value.replace(link(reader.item().ok()?)?).is_some(),
                _ => true,
            };
            if is_second {
                return None;
            }
        }
        Some(Self {
            shared: usize::try_from(shared?).ok()?,
            rest: rest?,
            value: value?,
            right: right.flatten(),
        })
    }
}

fn link(item: Item<'_>) -> Option<&[u8]> {
    match item {
        Item::Link(cid) => Some(cid),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
