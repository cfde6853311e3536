//! Which collections have a subject of their own: decided by whoever writes, found by every reader wherever an event stands.
//!
//! Anybody can invent collections, hundreds in one commit. Each subject costs the server some 340 bytes for as long as it
//! keeps a message of it, and makes filtered reads slower. So their number has a bound, a share for each authority, and
//! from half of it on a collection must be busy to get one. What is decided stays: a subject is given up when the
//! server has forgotten its last message.
//!
//! There is no second truth: a new writer reads from the stream which collections have their own. Pure.

use std::time::{Duration, Instant};

use fanjet_event::Nsid;
use hashbrown::HashMap;

use crate::subject::authority;

/// Collections with a subject of their own at most. The network has some thousands.
const MOST: usize = 8192;
/// Up to here every new collection gets one.
const FREELY: usize = MOST / 2;
/// Those of one authority at most.
const MOST_OF_AUTHORITY: usize = 256;
/// Events after which a collection is busy.
const BUSY: u32 = 256;
/// Collections without their own that are counted.
const COUNTED: usize = MOST;
/// How often to look for subjects that can be given up.
const SWEEP_PAUSE: Duration = Duration::from_secs(60);

/// Where an event about a collection is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Under the collection's own subject.
    Own,
    /// Under one that it shares with others.
    Shared,
}

/// Who has a subject of their own.
#[derive(Debug)]
pub(crate) struct Allotment {
    /// When each was written last, as far as is known.
    own: HashMap<Nsid, Instant>,
    of_authority: HashMap<String, usize>,
    /// Events of the others.
    counted: HashMap<Nsid, u32>,
    /// How long the server keeps a message; `None` for ever.
    kept_for: Option<Duration>,
    swept_at: Instant,
}

impl Allotment {
    /// Goes on from the subjects of a stream, each with how many messages it has. Of more than there may be the busiest
    /// keep theirs.
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

    /// How many have their own.
    pub(crate) fn len(&self) -> usize {
        self.own.len()
    }

    /// Where the next event about a collection goes.
    pub(crate) fn place(&mut self, collection: &Nsid, now: Instant) -> Place {
        if let Some(used) = self.own.get_mut(collection) {
            *used = now;
            return Place::Own;
        }
        let may_have = match self.own.len() {
            len if len < FREELY => true,
            _ => self.is_busy(collection),
        };
        if !may_have {
            return Place::Shared;
        }
        if self.is_full_for(collection) {
            self.sweep(now);
            if self.is_full_for(collection) {
                return Place::Shared;
            }
        }
        self.counted.remove(collection);
        self.allot(collection.clone(), now);
        Place::Own
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

    /// Counts an event. Of more collections than fit, those with few events are forgotten, again and again.
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

    /// Gives up the subjects whose last message has expired.
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
