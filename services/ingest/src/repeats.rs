//! What the log's newest events were about, so that another upstream's copies of them are known again. Pure.
//!
//! Upstreams that number differently agree on repos, revs and the frames' own times. A commit is a repeat when the log
//! holds this or a newer rev of its repo: every upstream sends a repo's commits in order. Other events are repeats when
//! the log holds one of the same kind, repo and time. What another upstream logged is compared only: an upstream's own
//! events are told apart by their seqs.
//!
//! Bounded: at least the newest `capacity` events are remembered, at most twice as many.

use std::collections::HashMap;

use fanjet_event::{Tid, Topic};
use fanjet_log::Origin;
use fanjet_wire::envelope::Subject;

use crate::frame_time::{FrameTime, RecentTimes};

/// Who numbered an event, as far as this memory tells apart.
pub(crate) type SourceIndex = u16;

/// The memory.
#[derive(Debug, Clone)]
pub(crate) struct Repeats {
    young: Generation,
    old: Generation,
    capacity: usize,
    recent: RecentTimes,
}

/// The events between two forgettings.
#[derive(Debug, Clone, Default)]
struct Generation {
    /// The newest commit of each repo.
    commits: HashMap<Box<str>, Mark>,
    /// Other events, by kind, repo and time.
    others: HashMap<Box<str>, SourceIndex>,
    events: usize,
    /// From when on all its events are in it.
    since: Option<FrameTime>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    rev: Tid,
    op_index: u32,
    source: SourceIndex,
}

impl Repeats {
    pub(crate) fn remembering(capacity: usize) -> Self {
        Self {
            young: Generation::default(),
            old: Generation::default(),
            capacity,
            recent: RecentTimes::default(),
        }
    }

    /// Remembers an event of the log, or one that goes there now.
    pub(crate) fn remember(
        &mut self,
        source: SourceIndex,
        topic: &Topic,
        origin: &Origin,
        subject: Subject<'_>,
    ) {
        if let Some(time) = FrameTime::parse(origin.time.as_str()) {
            self.recent.add(time);
        }
        if self.young.events >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.events += 1;
        if self.young.events == RecentTimes::KEPT {
            // The middle of its first few: never before its beginning, and single wrong clocks do not move it.
            self.young.since = self.recent.middle();
        }
        match subject.rev {
            Some(rev) => {
                let mark = Mark {
                    rev,
                    op_index: origin.op_index,
                    source,
                };
                match self.young.commits.get_mut(subject.did) {
                    Some(known) => *known = mark,
                    None => {
                        self.young.commits.insert(subject.did.into(), mark);
                    }
                }
            }
            None => {
                let key = key(topic, origin, subject.did);
                self.young.others.insert(key, source);
            }
        }
    }

    /// Whether the log holds an event's copy from another upstream.
    pub(crate) fn holds(
        &self,
        source: SourceIndex,
        topic: &Topic,
        origin: &Origin,
        subject: Subject<'_>,
    ) -> bool {
        match subject.rev {
            Some(rev) => {
                let newest = [&self.young, &self.old]
                    .into_iter()
                    .find_map(|generation| generation.commits.get(subject.did));
                newest.is_some_and(|mark| {
                    mark.source != source && (rev, origin.op_index) <= (mark.rev, mark.op_index)
                })
            }
            None => {
                let key = key(topic, origin, subject.did);
                [&self.young, &self.old]
                    .into_iter()
                    .filter_map(|generation| generation.others.get(&key))
                    .any(|&by| by != source)
            }
        }
    }

    /// The oldest time from which on everything in the log is remembered.
    pub(crate) fn horizon(&self) -> Option<FrameTime> {
        self.old.since.or(self.young.since)
    }

    /// The time of the newest event, single wrong clocks set aside.
    pub(crate) fn newest(&self) -> Option<FrameTime> {
        self.recent.middle()
    }
}

fn key(topic: &Topic, origin: &Origin, did: &str) -> Box<str> {
    let kind = match topic {
        Topic::Commit(_) => "commit",
        Topic::Identity => "identity",
        Topic::Account => "account",
        Topic::Sync => "sync",
    };
    format!("{kind} {did} {}", origin.time.as_str()).into()
}

#[cfg(test)]
mod tests;
