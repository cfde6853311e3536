//! The one place where subjects are spelled.
//!
//! `<root>.commit.<nsid>` for commits, with the dots of the NSID as token separators; `<root>.identity`,
//! `<root>.account`, `<root>.sync` for the others. A collection can never be taken for another topic, because every
//! NSID stands below `commit`.

use fanjet_event::{Nsid, Topic};
use fanjet_log::{LogError, Selection, TopicFilter};
use hashbrown::HashMap;

use crate::config::StreamConfig;

const COMMIT: &str = "commit";
const IDENTITY: &str = "identity";
const ACCOUNT: &str = "account";
const SYNC: &str = "sync";
/// Below the root, so that the stream takes it; no message is ever stored under it.
const NOTHING: &str = "nothing";

/// Topics kept by a [`TopicReader`]. The network has some thousands of collections.
const KEPT_TOPICS: usize = 8192;

/// The subjects below one root.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    root: String,
}

/// What a selection asks of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filters {
    /// Every message.
    All,
    /// Messages on these subjects, which do not overlap: the server refuses those that do (error 10138).
    Only(Vec<String>),
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

    /// Those of a stream.
    ///
    /// # Errors
    /// [`LogError::Misconfigured`] when the root cannot be one.
    pub(crate) fn configured(stream: &StreamConfig) -> Result<Self, LogError> {
        Self::new(&stream.subject_root).ok_or_else(|| {
            LogError::Misconfigured(format!(
                "stream.subject_root {:?} must be tokens of A-Z a-z 0-9 - _ with dots between",
                stream.subject_root
            ))
        })
    }

    /// What the stream listens to.
    pub(crate) fn stream(&self) -> String {
        format!("{}.>", self.root)
    }

    /// A subject of the stream that no event has.
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

    /// The topic that a subject stands for. `None` for subjects that this program does not write.
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

    /// The filters of a selection, none of which covers another.
    pub(crate) fn filters(&self, selection: &Selection) -> Filters {
        let Selection::Only(filters) = selection else {
            return Filters::All;
        };
        let mut subjects: Vec<String> = without_covered(filters)
            .into_iter()
            .map(|filter| self.filter(filter))
            .collect();
        if subjects.is_empty() {
            subjects.push(self.nothing());
        }
        Filters::Only(subjects)
    }

    fn filter(&self, filter: &TopicFilter) -> String {
        match filter {
            TopicFilter::Collection(nsid) => self.of(&Topic::Commit(nsid.clone())),
            TopicFilter::CollectionsUnder(prefix) => format!("{}.{COMMIT}.{prefix}.>", self.root),
            TopicFilter::Commits => format!("{}.{COMMIT}.>", self.root),
            TopicFilter::Identity => self.of(&Topic::Identity),
            TopicFilter::Account => self.of(&Topic::Account),
            TopicFilter::Sync => self.of(&Topic::Sync),
        }
    }
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

/// Whether everything that `inner` matches is matched by `outer`.
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

/// Reads topics off subjects, sharing the collections it has seen.
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

    pub(crate) fn topic(&mut self, subject: &str) -> Option<Topic> {
        if let Some(topic) = self.seen.get(subject) {
            return Some(topic.clone());
        }
        let topic = self.subjects.topic(subject)?;
        if self.seen.len() == KEPT_TOPICS {
            self.seen.clear();
        }
        self.seen.insert(subject.to_owned(), topic.clone());
        Some(topic)
    }
}

#[cfg(test)]
mod tests;
