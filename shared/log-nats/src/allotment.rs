//! Which collections have their own subject: decided by the writer. Readers find an event in either place.
//!
//! Anyone can invent collections, hundreds in one commit. Each subject costs the server about 340 bytes as long as it
//! keeps a message of it, and slows filtered reads down. So their number has a bound, with a share per authority, and
//! above half of it a collection must be busy to get one. Decisions are permanent: a subject is released only when the
//! server has deleted its last message.
//!
//! There is no second source of truth: a new writer derives the decisions from the stream. Pure.

use std::time::{Duration, Instant};

use fanjet_event::Nsid;
use hashbrown::HashMap;

use crate::subject::authority;

/// Maximum number of collections with their own subject. The network has some thousands.
const MOST: usize = 8192;
/// Up to here every new collection gets one.
const FREELY: usize = MOST / 2;
/// Maximum per authority.
const MOST_OF_AUTHORITY: usize = 256;
/// Events after which a collection is busy.
const BUSY: u32 = 256;
/// Counted collections without their own subject.
const COUNTED: usize = MOST;
/// Interval of the search for subjects that can be released.
const SWEEP_PAUSE: Duration = Duration::from_secs(60);

/// The subject for a collection's event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubjectSlot {
    /// The collection's own subject.
    Own,
    /// A subject shared with other collections.
    Shared,
}

/// The collections with their own subject.
#[derive(Debug)]
pub(crate) struct Allotment {
    /// The last known write of each.
    own: HashMap<Nsid, Instant>,
    of_authority: HashMap<String, usize>,
    /// Event counts of the others.
    counted: HashMap<Nsid, u32>,
    /// How long the server keeps a message; `None` means forever.
    kept_for: Option<Duration>,
    swept_at: Instant,
}

impl Allotment {
    /// Starts from the subjects of a stream, each with its number of messages. If there are more than allowed the
    /// busiest keep theirs.
    pub(crate) fn of(
        mut found: Vec<(Nsid, u64)>,
        kept_for: Option<Duration>,
        now: Instant,
    ) -> Self {
        found.sort_unstable_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        let mut allotment = Self {
            own: HashMap::new(),
            of_authority: HashMap::new(),
            counted: HashMap::new(),
            kept_for,
            swept_at: now,
        };
        for (collection, _) in found {
            if allotment.own.len() < MOST && !allotment.has_its_authority_all(&collection) {
                allotment.allot(collection, now);
            }
        }
        allotment
    }

    /// The number of collections with their own subject.
    pub(crate) fn len(&self) -> usize {
        self.own.len()
    }

    /// The subject for the next event of a collection.
    pub(crate) fn place(&mut self, collection: &Nsid, now: Instant) -> SubjectSlot {
        if let Some(used) = self.own.get_mut(collection) {
            *used = now;
            return SubjectSlot::Own;
        }
        let may_have = match self.own.len() {
            len if len < FREELY => true,
            _ => self.is_busy(collection),
        };
        if !may_have {
            return SubjectSlot::Shared;
        }
        if self.is_full_for(collection) {
            self.sweep(now);
            if self.is_full_for(collection) {
                return SubjectSlot::Shared;
            }
        }
        self.counted.remove(collection);
        self.allot(collection.clone(), now);
        SubjectSlot::Own
    }

    fn is_full_for(&self, collection: &Nsid) -> bool {
        self.own.len() >= MOST || self.has_its_authority_all(collection)
    }

    fn has_its_authority_all(&self, collection: &Nsid) -> bool {
        let allotted = self.of_authority.get(authority(collection.as_str()));
        allotted.is_some_and(|allotted| *allotted >= MOST_OF_AUTHORITY)
    }

    fn allot(&mut self, collection: Nsid, now: Instant) {
        let authority = authority(collection.as_str());
        *self.of_authority.entry_ref(authority).or_default() += 1;
        self.own.insert(collection, now);
    }

    /// Counts an event. When there are too many collections, those with few events are dropped.
    fn is_busy(&mut self, collection: &Nsid) -> bool {
        if let Some(count) = self.counted.get_mut(collection) {
            *count = count.saturating_add(1);
            return *count >= BUSY;
        }
        if self.counted.len() >= COUNTED {
            self.counted.retain(|_, count| {
                *count /= 2;
                *count > 0
            });
        }
        if self.counted.len() < COUNTED {
            self.counted.insert(collection.clone(), 1);
        }
        false
    }

    /// Releases the subjects whose last message has expired.
    fn sweep(&mut self, now: Instant) {
        let Some(kept_for) = self.kept_for else {
            return;
        };
        if now.saturating_duration_since(self.swept_at) < SWEEP_PAUSE {
            return;
        }
        self.swept_at = now;
        let of_authority = &mut self.of_authority;
        self.own.retain(|collection, used| {
            let is_kept = now.saturating_duration_since(*used) <= kept_for;
            let authority = authority(collection.as_str());
            if !is_kept && let Some(allotted) = of_authority.get_mut(authority) {
                *allotted -= 1;
                if *allotted == 0 {
                    of_authority.remove(authority);
                }
            }
            is_kept
        });
    }
}

#[cfg(test)]
mod tests;
