//! What stands beside a raw frame in the log, so that readers need not decode it.

use std::fmt::{self, Write};

use crate::{Did, Nsid, TimeUs};

/// What a reader needs to know about a raw frame.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameStamp {
    /// The seq in the frame's bytes. Rises strictly from frame to frame, with gaps.
    pub wire_seq: u64,
    /// Its log time.
    pub time: TimeUs,
    /// What it is about. `None` if that is unknown: a frame of an unknown type, or one that was logged without it.
    pub topic: Option<FrameTopic>,
}

/// What a raw frame is about: what subscribers can choose by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameTopic {
    /// Its repo.
    did: Did,
    /// The collections of a commit's operations. `None` if every choice of collections includes the frame: it is no commit, or
    /// its collections are not known.
    collections: Option<Box<[Nsid]>>,
}

impl FrameTopic {
    /// Bytes of the text: logs keep it beside each frame.
    pub const MAX_BYTES: usize = 512;

    /// A frame that is about a repo, whatever the collection.
    ///
    /// `None` if the DID is longer than any real one.
    pub fn repo(did: Did) -> Option<Self> {
        let topic = Self {
            did,
            collections: None,
        };
        (topic.did.as_str().len() <= Self::MAX_BYTES).then_some(topic)
    }

    /// A commit with operations in these collections, repeated or not. More of them than [`FrameTopic::MAX_BYTES`] have room
    /// for are not kept: then every choice of collections includes it.
    ///
    /// `None` as for [`FrameTopic::repo`].
    pub fn commit(did: Did, mut collections: Vec<Nsid>) -> Option<Self> {
        collections.sort_unstable();
        collections.dedup();
        let topic = Self {
            did: did.clone(),
            collections: Some(collections.into()),
        };
        match topic.bytes() <= Self::MAX_BYTES {
            true => Some(topic),
            false => Self::repo(did),
        }
    }

    /// Its repo.
    pub fn did(&self) -> &Did {
        &self.did
    }

    /// The collections of its operations; `None` if every choice of collections includes it.
    pub fn collections(&self) -> Option<&[Nsid]> {
        self.collections.as_deref()
    }

    /// Parses the text of [`fmt::Display`]. Anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > Self::MAX_BYTES {
            return None;
        }
        let (did, collections) = match text.split_once(';') {
            None => (text, None),
            Some((did, "")) => (did, Some(Vec::new())),
            Some((did, list)) => {
                let names = list.split(',').map(|name| Nsid::parse(name).ok());
                let names = names.map(|name| name.map(|name| name.shared()));
                (did, Some(names.collect::<Option<Vec<_>>>()?))
            }
        };
        let collections = collections.map(Vec::into_boxed_slice);
        if collections.as_ref().is_some_and(|names| !names.is_sorted()) {
            return None;
        }
        Some(Self {
            did: Did::parse(did).ok()?.shared(),
            collections,
        })
    }

    /// The length of the text.
    pub fn bytes(&self) -> usize {
        let list = self.collections.as_deref().unwrap_or_default();
        let separators = list.len().max(usize::from(self.collections.is_some()));
        let names: usize = list.iter().map(|name| name.as_str().len()).sum();
        self.did.as_str().len() + separators + names
    }
}

/// `<DID>`, or for a commit `<DID>;<collection>,<collection>...`. None of the parts can hold a `;` or a `,`.
impl fmt::Display for FrameTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.did.as_str())?;
        let Some(collections) = &self.collections else {
            return Ok(());
        };
        f.write_char(';')?;
        for (n, name) in collections.iter().enumerate() {
            if n > 0 {
                f.write_char(',')?;
            }
            f.write_str(name.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
