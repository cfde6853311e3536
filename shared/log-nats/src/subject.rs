//! The one place where subjects are built.
//!
//! `<root>.commit.<nsid>` for commits, with the dots of the NSID as token separators; `<root>.identity`,
//! `<root>.account`, `<root>.sync` for the others. A collection cannot collide with another topic, because every NSID
//! is below `commit`. `<root>.frame` for raw frames, whose stream has a root of its own; a header carries the rest of
//! their topic. `<root>.<labeler>` for labels, with the labeler's DID as one token.
//!
//! Untrusted accounts name collections, and a subject costs the server memory as long as it keeps a message of it. So
//! not every collection has its own subject ([`crate::allotment`]): the others share [`SHARED`] subjects,
//! `<root>.commit._.<number>`, and a header names the collection. The number is derived from the authority, so one
//! authority's collections share a subject; `_` occurs in no NSID. A reader searches for a collection in both places.

use std::collections::BTreeSet;

use fanjet_event::{Did, Nsid, Topic};
use fanjet_log::{LogError, Selection, TopicFilter};
use hashbrown::HashMap;

use crate::config::StreamConfig;

const COMMIT: &str = "commit";
const IDENTITY: &str = "identity";
const ACCOUNT: &str = "account";
const SYNC: &str = "sync";
/// Raw frames, in a stream of their own.
const FRAME: &str = "frame";
/// What the token of a labeler begins with, and no other.
const DID: &str = "did:";
/// Below the root, so that the stream accepts it; no message is ever stored under it.
const NOTHING: &str = "nothing";

/// Replaces the collection on shared subjects.
const SHARED_TOKEN: &str = "_";
/// The number of shared subjects.
pub(crate) const SHARED: u64 = 64;
/// With more shared subjects than this a filter requests all: each filter costs the server work for every message.
const MAX_SHARED_FILTERS: usize = 2;

/// Topics cached by a [`TopicReader`]. The network has some thousands of collections.
const KEPT_TOPICS: usize = 8192;

/// The subjects below one root.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    root: String,
}

/// The subjects of a selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filters {
    /// Every message.
    All,
    /// Messages on these subjects.
    Only(Wanted),
}

/// Subjects that do not overlap: the server rejects overlapping ones (error 10138).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    /// Subjects with matching events only.
    pub(crate) own: Vec<String>,
    /// Subjects with matching and other events.
    pub(crate) shared: Vec<String>,
}

impl Wanted {
    pub(crate) fn len(&self) -> usize {
        self.own.len() + self.shared.len()
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.own.iter().chain(&self.shared).cloned().collect()
    }
}

impl Subjects {
    /// Subjects below `root`, if that is one or more tokens of `A-Z a-z 0-9 - _`.
    pub(crate) fn new(root: &str) -> Option<Self> {
        let is_token = |token: &str| {
            !token.is_empty()
                && token
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        root.split('.').all(is_token).then(|| Self {
            root: root.to_owned(),
        })
    }

    /// The subjects of a stream.
    ///
    /// # Errors
    /// [`LogError::Misconfigured`] when the root is invalid.
    pub(crate) fn configured(stream: &StreamConfig) -> Result<Self, LogError> {
        Self::new(&stream.subject_root).ok_or_else(|| {
            LogError::Misconfigured(format!(
                "stream.subject_root {:?} must be tokens of A-Z a-z 0-9 - _ with dots between",
                stream.subject_root
            ))
        })
    }

    /// The subjects of the stream.
    pub(crate) fn stream(&self) -> String {
        format!("{}.>", self.root)
    }

    /// A subject of the stream without events.
    pub(crate) fn nothing(&self) -> String {
        format!("{}.{NOTHING}", self.root)
    }

    /// The subject of events about `topic`.
    pub(crate) fn of(&self, topic: &Topic) -> String {
        let (kind, collection) = match topic {
            Topic::Commit(collection) => (COMMIT, collection.as_str()),
            Topic::Identity => (IDENTITY, ""),
            Topic::Account => (ACCOUNT, ""),
            Topic::Sync => (SYNC, ""),
            Topic::Frame(_) => (FRAME, ""),
            Topic::Labels(stamp) => return self.labeler(&stamp.labeler),
        };
        let mut subject =
            String::with_capacity(self.root.len() + kind.len() + collection.len() + 2);
        subject.push_str(&self.root);
        subject.push('.');
        subject.push_str(kind);
        if !collection.is_empty() {
            subject.push('.');
            subject.push_str(collection);
        }
        subject
    }

    /// The shared subject of a collection.
    pub(crate) fn shared(&self, collection: &Nsid) -> String {
        self.shared_numbered(shared_number(collection.as_str()))
    }

    /// All shared subjects.
    pub(crate) fn all_shared(&self) -> String {
        format!("{}.{COMMIT}.{SHARED_TOKEN}.*", self.root)
    }

    /// The subjects of all commits.
    pub(crate) fn commits(&self) -> String {
        format!("{}.{COMMIT}.>", self.root)
    }

    /// Whether this is a shared subject: then a header names the collection.
    pub(crate) fn is_shared(&self, subject: &str) -> bool {
        let rest = subject.strip_prefix(self.root.as_str());
        rest.and_then(|rest| {
            rest.strip_prefix('.')?
                .strip_prefix(COMMIT)?
                .strip_prefix('.')
        })
        .and_then(|rest| rest.strip_prefix(SHARED_TOKEN))
        .is_some_and(|rest| rest.starts_with('.'))
    }

    /// Whether this is the subject of raw frames.
    pub(crate) fn is_frame(&self, subject: &str) -> bool {
        let rest = subject.strip_prefix(self.root.as_str());
        rest.and_then(|rest| rest.strip_prefix('.')) == Some(FRAME)
    }

    /// The labeler whose subject this is.
    pub(crate) fn labeler_of(&self, subject: &str) -> Option<Did> {
        let rest = subject
            .strip_prefix(self.root.as_str())?
            .strip_prefix('.')?;
        if !rest.starts_with(DID) || rest.contains('.') {
            return None;
        }
        let did = rest.replace("%2E", ".").replace("%25", "%");
        Some(Did::parse(&did).ok()?.shared())
    }

    /// The subject of a labeler. A dot would begin another token, and the escape of a dot must not look like one that the DID has
    /// itself.
    pub(crate) fn labeler(&self, labeler: &Did) -> String {
        let token = labeler.as_str().replace('%', "%25").replace('.', "%2E");
        format!("{}.{token}", self.root)
    }

    fn shared_numbered(&self, number: u64) -> String {
        format!("{}.{COMMIT}.{SHARED_TOKEN}.{number}", self.root)
    }

    /// The topic of a subject. `None` for subjects that this program does not write.
    pub(crate) fn topic(&self, subject: &str) -> Option<Topic> {
        let rest = subject
            .strip_prefix(self.root.as_str())?
            .strip_prefix('.')?;
        match rest {
            IDENTITY => Some(Topic::Identity),
            ACCOUNT => Some(Topic::Account),
            SYNC => Some(Topic::Sync),
            _ => {
                let collection = rest.strip_prefix(COMMIT)?.strip_prefix('.')?;
                let collection = Nsid::parse(collection).ok()?;
                Some(Topic::Commit(collection.shared()))
            }
        }
    }

    /// The filters of a selection; none covers another.
    pub(crate) fn filters(&self, selection: &Selection) -> Filters {
        let Selection::Only(filters) = selection else {
            return Filters::All;
        };
        let kept = without_covered(filters);
        let mut wanted = Wanted {
            own: kept.iter().map(|filter| self.filter(filter)).collect(),
            shared: self.shared_by(&kept),
        };
        if wanted.own.is_empty() {
            wanted.own.push(self.nothing());
        }
        Filters::Only(wanted)
    }

    /// The shared subjects that the collections of filters may use.
    fn shared_by(&self, filters: &[&TopicFilter]) -> Vec<String> {
        let mut numbers = BTreeSet::new();
        for filter in filters {
            match filter {
                TopicFilter::Collection(nsid) => numbers.insert(shared_number(nsid.as_str())),
                TopicFilter::CollectionsUnder(prefix) if prefix.as_str().contains('.') => {
                    numbers.insert(shared_number(prefix.as_str()))
                }
                // Of any authority.
                TopicFilter::CollectionsUnder(_) => return vec![self.all_shared()],
                // All commits are included already.
                TopicFilter::Commits
                | TopicFilter::Identity
                | TopicFilter::Account
                | TopicFilter::Sync
                | TopicFilter::Labeler(_) => continue,
            };
        }
        if numbers.len() > MAX_SHARED_FILTERS {
            return vec![self.all_shared()];
        }
        let subjects = numbers
            .into_iter()
            .map(|number| self.shared_numbered(number));
        subjects.collect()
    }

    fn filter(&self, filter: &TopicFilter) -> String {
        match filter {
            TopicFilter::Collection(nsid) => self.of(&Topic::Commit(nsid.clone())),
            TopicFilter::CollectionsUnder(prefix) => format!("{}.{COMMIT}.{prefix}.>", self.root),
            TopicFilter::Commits => self.commits(),
            TopicFilter::Identity => self.of(&Topic::Identity),
            TopicFilter::Account => self.of(&Topic::Account),
            TopicFilter::Sync => self.of(&Topic::Sync),
            TopicFilter::Labeler(labeler) => self.labeler(labeler),
        }
    }
}

/// The first two segments of a name: usually a registered domain.
pub(crate) fn authority(collection: &str) -> &str {
    let mut dots = collection
        .bytes()
        .enumerate()
        .filter(|(_, byte)| *byte == b'.');
    match dots.nth(1) {
        Some((second, _)) => &collection[..second],
        None => collection,
    }
}

/// The shared subject of a collection, derived from its authority: FNV-1a, permanently the same in every program.
fn shared_number(collection: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = authority(collection)
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, step);
    hash % SHARED
}

/// The filters that no other one covers, each once.
fn without_covered(filters: &[TopicFilter]) -> Vec<&TopicFilter> {
    let mut kept: Vec<&TopicFilter> = Vec::new();
    for filter in filters {
        if kept.iter().any(|other| covers(other, filter)) {
            continue;
        }
        kept.retain(|other| !covers(filter, other));
        kept.push(filter);
    }
    kept
}

/// Whether `outer` matches everything that `inner` matches.
fn covers(outer: &TopicFilter, inner: &TopicFilter) -> bool {
    use TopicFilter::{Collection, CollectionsUnder, Commits};
    match (outer, inner) {
        (Commits, Collection(_) | CollectionsUnder(_)) => true,
        (CollectionsUnder(outer), Collection(inner)) => outer.contains(inner.as_str()),
        (CollectionsUnder(outer), CollectionsUnder(inner)) => {
            outer == inner || outer.contains(inner.as_str())
        }
        _ => outer == inner,
    }
}

/// Parses topics from subjects, caching the collections.
#[derive(Debug)]
pub(crate) struct TopicReader {
    subjects: Subjects,
    seen: HashMap<String, Topic>,
}

impl TopicReader {
    pub(crate) fn new(subjects: Subjects) -> Self {
        Self {
            subjects,
            seen: HashMap::new(),
        }
    }

    /// Whether a subject is that of raw frames, whose topic is in a header.
    pub(crate) fn is_frame(&self, subject: &str) -> bool {
        self.subjects.is_frame(subject)
    }

    /// The labeler whose subject this is.
    pub(crate) fn labeler(&self, subject: &str) -> Option<Did> {
        self.subjects.labeler_of(subject)
    }

    /// The topic of a message. On a shared subject its header names the collection.
    pub(crate) fn topic(&mut self, subject: &str, named: Option<&str>) -> Option<Topic> {
        let is_shared = self.subjects.is_shared(subject);
        // No subject is an NSID.
        let key = if is_shared { named? } else { subject };
        if let Some(topic) = self.seen.get(key) {
            return Some(topic.clone());
        }
        let topic = if is_shared {
            let collection = Nsid::parse(key).ok()?.shared();
            // A reader of this collection would not find it elsewhere.
            (self.subjects.shared(&collection) == subject).then_some(Topic::Commit(collection))?
        } else {
            self.subjects.topic(subject)?
        };
        if self.seen.len() == KEPT_TOPICS {
            self.seen.clear();
        }
        self.seen.insert(key.to_owned(), topic.clone());
        Some(topic)
    }
}

#[cfg(test)]
mod tests;
