//! The full check of one sampled stream: is every message an event that matches the filter, in order, once?
//!
//! Missing events are detected by comparison with an unfiltered stream of the same server ([`crate::reference`]); for
//! that a stream keeps a count and a sum, not its events.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::hash::BuildHasher;

use fanjet_oracle::Matcher;
use hashbrown::{DefaultHashBuilder, HashSet};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::report::Sampled;

/// How many of the last messages are checked for repetitions.
const REMEMBERED: usize = 1024;

/// The expectations of one sampled stream.
#[derive(Debug)]
pub(crate) struct Expected {
    wanted: Matcher,
    last_time: u64,
    recent: VecDeque<u64>,
    known: HashSet<u64>,
    hasher: DefaultHashBuilder,
    /// For the comparison with the reference.
    pub stretch: Stretch,
    /// The findings.
    pub found: Sampled,
}

/// The range and contents of a stream, as times of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The first event's.
    pub first: u64,
    /// The last event's.
    pub last: u64,
    /// The number of events.
    pub count: u64,
    /// Sum of a hash of every time: no event can replace another.
    pub sum: u64,
}

/// The fields of an event that a check needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen<'a> {
    /// Microseconds.
    pub time_us: u64,
    /// The repo.
    pub did: Cow<'a, str>,
    /// The collection of a commit.
    pub collection: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    did: Cow<'a, str>,
    time_us: u64,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    commit: Option<Commit<'a>>,
    identity: Option<IgnoredAny>,
    account: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Commit<'a> {
    #[serde(borrow)]
    collection: Cow<'a, str>,
    #[serde(borrow)]
    operation: Cow<'a, str>,
    #[serde(rename = "rkey")]
    _rkey: IgnoredAny,
}

impl Expected {
    /// A stream with this filter.
    pub(crate) fn new(wanted: Matcher) -> Self {
        Self {
            wanted,
            last_time: 0,
            recent: VecDeque::new(),
            known: HashSet::new(),
            hasher: DefaultHashBuilder::default(),
            stretch: Stretch::default(),
            found: Sampled {
                streams: 1,
                ..Sampled::default()
            },
        }
    }

    /// Checks the next message of the stream.
    pub(crate) fn check<'a>(&mut self, json: &'a [u8]) -> Option<Seen<'a>> {
        self.found.events += 1;
        let Some(event) = read(json) else {
            self.found.not_an_event += 1;
            let shown = String::from_utf8_lossy(&json[..json.len().min(300)]);
            self.object(|| format!("not an event: {shown}"));
            return None;
        };
        if !self.wanted.matches(&event.did, event.collection.as_deref()) {
            self.found.not_asked_for += 1;
            self.object(|| format!("does not match the filter: {event:?}"));
        }
        if self.is_known(json) {
            self.found.repeated += 1;
            self.object(|| format!("repeated: {event:?}"));
        } else if event.time_us <= self.last_time {
            self.found.reordered += 1;
            let before = self.last_time;
            self.object(|| format!("not later than {before}: {event:?}"));
        }
        self.last_time = self.last_time.max(event.time_us);
        self.stretch.add(event.time_us);
        Some(event)
    }

    /// A message that cannot be decoded, for example one that does not decompress.
    pub(crate) fn unreadable(&mut self, why: &str) {
        self.found.events += 1;
        self.found.not_an_event += 1;
        self.object(|| why.to_owned());
    }

    fn is_known(&mut self, json: &[u8]) -> bool {
        let hash = self.hasher.hash_one(json);
        if !self.known.insert(hash) {
            return true;
        }
        self.recent.push_back(hash);
        if self.recent.len() > REMEMBERED
            && let Some(oldest) = self.recent.pop_front()
        {
            self.known.remove(&oldest);
        }
        false
    }

    fn object(&mut self, complaint: impl FnOnce() -> String) {
        self.found.first_fault.get_or_insert_with(complaint);
    }
}

impl Stretch {
    /// Adds the next event.
    pub(crate) fn add(&mut self, time_us: u64) {
        if self.count == 0 {
            self.first = time_us;
        }
        self.last = self.last.max(time_us);
        self.count += 1;
        self.sum = self.sum.wrapping_add(mixed(time_us));
    }
}

/// Parses one message; `None` if it is not an event of v1.
pub(crate) fn read(json: &[u8]) -> Option<Seen<'_>> {
    let event: Event<'_> = serde_json::from_slice(json).ok()?;
    let is_whole = match &*event.kind {
        "commit" => event
            .commit
            .as_ref()
            .is_some_and(|it| matches!(&*it.operation, "create" | "update" | "delete")),
        "identity" => event.identity.is_some(),
        "account" => event.account.is_some(),
        _ => false,
    };
    is_whole.then_some(Seen {
        time_us: event.time_us,
        did: event.did,
        collection: event.commit.map(|commit| commit.collection),
    })
}

/// Spreads times over all 64 bits (the finalizer of SplitMix64), so that their sums differ.
fn mixed(time_us: u64) -> u64 {
    let mut hash = time_us.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests;
