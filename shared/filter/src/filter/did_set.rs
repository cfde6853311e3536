//! Many DIDs in little memory, for lookups that nearly always fail.

use std::hash::{DefaultHasher, Hash, Hasher};

/// A set of DIDs: their texts concatenated in order, with a one-bit hash filter before the search.
///
/// The filter only saves work: DIDs chosen so that all of them hash to one bit make the search no slower than without
/// it.
#[derive(Debug, Clone, Default)]
pub(super) struct DidSet {
    texts: Box<str>,
    /// The end of each text.
    ends: Box<[u32]>,
    bits: Box<[u64]>,
}

/// One in this many bits is set.
const BITS_PER_DID: usize = 16;

impl DidSet {
    /// `sorted` without duplicates, less than 4 GiB in total.
    pub(super) fn new(sorted: &[&str]) -> Self {
        let texts = sorted.concat();
        let ends = sorted
            .iter()
            .scan(0, |end, did| {
                *end += did.len() as u32;
                Some(*end)
            })
            .collect();
        let words = (sorted.len() * BITS_PER_DID)
            .div_ceil(64)
            .next_power_of_two();
        let mut bits = vec![0; if sorted.is_empty() { 0 } else { words }];
        for did in sorted {
            let (word, bit) = place(did, bits.len());
            bits[word] |= bit;
        }
        Self {
            texts: texts.into(),
            ends,
            bits: bits.into(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of their texts.
    pub(super) fn bytes(&self) -> usize {
        self.texts.len()
    }

    pub(super) fn contains(&self, did: &str) -> bool {
        if self.bits.is_empty() {
            return false;
        }
        let (word, bit) = place(did, self.bits.len());
        self.bits[word] & bit != 0 && self.find(did)
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len()).map(|at| self.text(at))
    }

    fn find(&self, did: &str) -> bool {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.text(middle).cmp(did) {
                std::cmp::Ordering::Equal => return true,
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        false
    }

    fn text(&self, at: usize) -> &str {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.texts[start as usize..self.ends[at] as usize]
    }
}

/// The bits are derived from the texts.
impl PartialEq for DidSet {
    fn eq(&self, other: &Self) -> bool {
        self.ends == other.ends && self.texts == other.texts
    }
}

impl Eq for DidSet {}

impl Hash for DidSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ends.hash(state);
        self.texts.hash(state);
    }
}

/// The word and the bit of a DID. `words` is a power of two.
fn place(did: &str, words: usize) -> (usize, u64) {
    let mut hasher = DefaultHasher::new();
    hasher.write(did.as_bytes());
    let hash = hasher.finish();
    ((hash >> 6) as usize & (words - 1), 1 << (hash & 63))
}
