//! What the log's newest events are about, so that another upstream's copies of them are known again.
//!
//! Upstreams that number differently agree on repos, revs and the frames' own times. It is read from the log when
//! another upstream begins to be read, and never changed: what the new upstream brings is told apart by its own seqs. While
//! one upstream is read there is none of it.
//!
//! Bounded: the newest `capacity` events.

use std::collections::{HashMap, HashSet};

use fanjet_event::{Tid, Topic};
use fanjet_log::{Entry, EventLog, LogError, Origin, Seq};
use fanjet_wire::envelope::Subject;

use crate::frame_time::{FrameTime, RecentTimes, middle};
use crate::log_tail::each_entry;

/// The memory.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// The revs of each repo, rising.
    commits: HashMap<Box<str>, Vec<Revision>>,
    /// Other events, by kind, repo and time.
    others: HashSet<Box<str>>,
    since: Option<FrameTime>,
}

/// A commit, as far as it is in the log.
#[derive(Debug, Clone, Copy)]
struct Revision {
    rev: Tid,
    /// The last of its operations.
    op_index: u32,
}

/// What the log says to an event of another upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// The log does not hold it, and it may stand behind what is there.
    New,
    /// The log holds it.
    Held,
    /// It must not be logged.
    PassedOver(PassedOver),
}

/// Why an event that is not known to be in the log is not logged: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassedOver {
    /// The log holds a newer commit of its repo. Behind that one it would bring back what is over.
    BehindNewerRev,
    /// It comes from a time that the log has passed, before the oldest event that is remembered.
    BeforeMemory,
    /// It comes from before the time at which reading began, into a log that holds nothing.
    BeforeBeginning,
}

impl Held {
    /// Reads the log's newest events up to `last`, its end, `capacity` at the most.
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
        let mut held = Self::default();
        let mut first = None;
        let mut times = Vec::new();
        each_entry(log, from, last, |entry| {
            first.get_or_insert(entry.seq);
            if times.len() < RecentTimes::KEPT {
                times.extend(FrameTime::of(&entry.origin.time));
            }
            held.add(entry)
        })
        .await?;
        if first.is_some_and(|first| first > 1) {
            held.since = middle(times);
        }
        Ok(held)
    }

    fn add(&mut self, entry: &Entry) -> Result<(), LogError> {
        let subject = Subject::of(&entry.body)
            .ok_or_else(|| LogError::corrupt(entry.seq, "the body is not an event"))?;
        let Some(rev) = subject.rev else {
            let key = key(&entry.topic, &entry.origin, subject.did);
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

    /// From when on all events of the log are remembered; `None`: it is the whole log.
    pub(crate) fn since(&self) -> Option<FrameTime> {
        self.since
    }

    /// Judges an event of another upstream. `is_before`: it stands where events are from before [`Held::since`].
    pub(crate) fn judge(
        &self,
        topic: &Topic,
        origin: &Origin,
        subject: Subject<'_>,
        is_before: bool,
    ) -> Judgement {
        let revisions = self.commits.get(subject.did).map_or(&[][..], Vec::as_slice);
        match (subject.rev, revisions.last()) {
            (Some(rev), Some(newest)) => {
                let known = revisions.binary_search_by_key(&rev, |known| known.rev);
                let holds = known.is_ok_and(|at| origin.op_index <= revisions[at].op_index);
                return if holds {
                    Judgement::Held
                } else if rev < newest.rev {
                    Judgement::PassedOver(PassedOver::BehindNewerRev)
                } else {
                    Judgement::New
                };
            }
            (None, _) if self.others.contains(&key(topic, origin, subject.did)) => {
                return Judgement::Held;
            }
            _ => {}
        }
        if is_before {
            Judgement::PassedOver(PassedOver::BeforeMemory)
        } else {
            Judgement::New
        }
    }
}

impl PassedOver {
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

fn key(topic: &Topic, origin: &Origin, did: &str) -> Box<str> {
    let kind = topic.kind();
    format!("{kind} {did} {}", origin.time.as_str()).into()
}

#[cfg(test)]
mod tests;
