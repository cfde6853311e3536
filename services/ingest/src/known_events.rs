//! What the log's newest events contain, so that another upstream's copies of them are recognized.
//!
//! Upstreams with different numbering agree on repos, revs and the frames' own times. The index is read from the log
//! when ingest switches to another upstream, and never changes afterwards: duplicates within the new upstream are
//! recognized by its own seqs. While one upstream is read, the index is empty.
//!
//! Bounded: the newest `capacity` events.

use std::collections::{HashMap, HashSet};

use fanjet_event::{Tid, Topic};
use fanjet_log::{Entry, EventLog, LogError, Origin, Seq};
use fanjet_wire::envelope::Subject;

use crate::frame_time::{FrameTime, RecentTimes, middle};
use crate::log_tail::each_entry;
use crate::subject::subject_of;

/// The index.
#[derive(Debug, Default)]
pub(crate) struct KnownEvents {
    /// The revs of each repo, ascending.
    commits: HashMap<Box<str>, Vec<Revision>>,
    /// Other events, by kind, repo and time.
    others: HashSet<Box<str>>,
    since: Option<FrameTime>,
}

/// A commit, as far as the log contains it.
#[derive(Debug, Clone, Copy)]
struct Revision {
    rev: Tid,
    /// The last of its operations.
    op_index: u32,
}

/// How an event of another upstream relates to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// The log does not contain it, and it may be appended.
    New,
    /// The log contains it.
    Logged,
    /// It must not be logged.
    Skipped(Skipped),
}

/// Why an event that the index does not contain is not logged: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skipped {
    /// The log has a newer commit of its repo. Appended after that one, it would restore an outdated record.
    BehindNewerRev,
    /// It is older than the oldest event in the index.
    BeforeMemory,
    /// It is older than the start of reading, and the log is empty.
    BeforeBeginning,
}

impl KnownEvents {
    /// Reads the log's newest events up to `last`, its end; at most `capacity`.
    ///
    /// # Errors
    /// [`LogError`].
    pub(crate) async fn read(
        log: &dyn EventLog,
        last: Seq,
        capacity: usize,
    ) -> Result<Self, LogError> {
        let capacity = Seq::try_from(capacity).unwrap_or(Seq::MAX);
        let from = (last + 1).saturating_sub(capacity).max(1);
        let mut known = Self::default();
        let mut first = None;
        let mut times = Vec::new();
        each_entry(log, from, last, |entry| {
            first.get_or_insert(entry.seq);
            if times.len() < RecentTimes::KEPT {
                times.extend(FrameTime::of(&entry.origin.time));
            }
            known.add(entry)
        })
        .await?;
        if first.is_some_and(|first| first > 1) {
            known.since = middle(times);
        }
        Ok(known)
    }

    fn add(&mut self, entry: &Entry) -> Result<(), LogError> {
        let Some((kind, subject)) = subject_of(&entry.topic, &entry.body) else {
            return match entry.topic {
                // Of an unknown type.
                Topic::Frame(_) => Ok(()),
                _ => Err(LogError::corrupt(entry.seq, "the body is not an event")),
            };
        };
        let Some(rev) = subject.rev else {
            let key = key(kind, &entry.origin, subject.did);
            self.others.insert(key);
            return Ok(());
        };
        let op_index = entry.origin.op_index;
        let revisions = match self.commits.get_mut(subject.did) {
            Some(known) => known,
            None => self.commits.entry(subject.did.into()).or_default(),
        };
        match revisions.binary_search_by_key(&rev, |known| known.rev) {
            Ok(at) => revisions[at].op_index = revisions[at].op_index.max(op_index),
            Err(at) => revisions.insert(at, Revision { rev, op_index }),
        }
        Ok(())
    }

    /// The time from which the index covers all events of the log; `None` if it covers the whole log.
    pub(crate) fn since(&self) -> Option<FrameTime> {
        self.since
    }

    /// Classifies an event of another upstream. `is_before`: its position precedes [`KnownEvents::since`].
    pub(crate) fn classify_kind(
        &self,
        kind: &'static str,
        origin: &Origin,
        subject: Subject<'_>,
        is_before: bool,
    ) -> Relation {
        let revisions = self.commits.get(subject.did).map_or(&[][..], Vec::as_slice);
        match (subject.rev, revisions.last()) {
            (Some(rev), Some(newest)) => {
                let known = revisions.binary_search_by_key(&rev, |known| known.rev);
                let holds = known.is_ok_and(|at| origin.op_index <= revisions[at].op_index);
                return if holds {
                    Relation::Logged
                } else if rev < newest.rev {
                    Relation::Skipped(Skipped::BehindNewerRev)
                } else {
                    Relation::New
                };
            }
            (None, _) if self.others.contains(&key(kind, origin, subject.did)) => {
                return Relation::Logged;
            }
            _ => {}
        }
        if is_before {
            Relation::Skipped(Skipped::BeforeMemory)
        } else {
            Relation::New
        }
    }
}

#[cfg(test)]
impl KnownEvents {
    fn classify(
        &self,
        topic: &Topic,
        origin: &Origin,
        subject: Subject<'_>,
        is_before: bool,
    ) -> Relation {
        self.classify_kind(topic.kind(), origin, subject, is_before)
    }
}

impl Skipped {
    pub(crate) const ALL: [Self; 3] = [
        Self::BehindNewerRev,
        Self::BeforeMemory,
        Self::BeforeBeginning,
    ];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::BehindNewerRev => "behind_newer_rev",
            Self::BeforeMemory => "before_memory",
            Self::BeforeBeginning => "before_beginning",
        }
    }
}

fn key(kind: &str, origin: &Origin, did: &str) -> Box<str> {
    format!("{kind} {did} {}", origin.time.as_str()).into()
}

#[cfg(test)]
mod tests;
