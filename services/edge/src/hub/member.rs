//! A subscriber as its shard knows it.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use fanjet_filter::Encoding;
use fanjet_log::Seq;

use super::lane_id::LaneId;
use crate::outbox::Outbox;
use crate::replay::Start;
use crate::tail::Entry;

/// One subscriber: its queue, and where it stands.
#[derive(Debug)]
pub struct Member {
    outbox: Outbox,
    encoding: Encoding,
    place: Cell<Place>,
    /// Where it is in the list of its place.
    index: Cell<u32>,
    /// How often its filter was replaced.
    filters: Cell<u64>,
    /// How long its events may wait.
    delay: Cell<Duration>,
}

/// Where a subscriber stands, with all that counts only there. Its lane holds everything else that is known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Gets what its lane gathers.
    Live { lane: LaneId },
    /// Reads by itself.
    Behind { lane: LaneId, reading: Reading },
    /// Starts at `from`, which its shard has not reached, or with the first event behind it that is not too early.
    /// `not_before` is as in [`Reading`].
    Ahead {
        lane: LaneId,
        from: Seq,
        not_before: u64,
    },
    /// Has not said yet what it wants, and begins at `start` when it does.
    Waiting { start: Start },
    /// Gets nothing more.
    Left,
}

/// How far one that reads by itself has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) next: Next,
    /// Unix microseconds: no event before it is wanted. 0 once there can be none any more.
    pub(crate) not_before: u64,
    /// Whether it reads the log, because the ring does not have what comes next.
    pub(crate) is_replaying: bool,
}

/// What a member reads next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The oldest event that there is when it is read. Nothing was read yet, and this was the oldest one at the start.
    Oldest(Seq),
    /// What is at this position. When the log has it no longer, events are missing.
    At(Seq),
}

impl Next {
    /// The position, given where the log begins now.
    pub(crate) fn seq(self, oldest: Seq) -> Seq {
        match self {
            Self::Oldest(seq) => seq.max(oldest),
            Self::At(seq) => seq,
        }
    }

    /// Whether events are missing for a reader that can read no further back than `readable`.
    pub(crate) fn is_lost(self, readable: Seq) -> bool {
        matches!(self, Self::At(next) if next < readable)
    }
}

impl Reading {
    /// Reads on from `next`; `entries` are what was found before it. Returns how many of them are too early.
    pub(crate) fn advance(&mut self, next: Seq, entries: &[Arc<Entry>]) -> usize {
        self.next = Next::At(next);
        let early = entries.partition_point(|entry| entry.time().get() < self.not_before);
        if early < entries.len() {
            self.not_before = 0;
        }
        early
    }
}

impl Place {
    /// The lane that is held.
    pub(crate) fn lane(self) -> Option<LaneId> {
        match self {
            Self::Live { lane } | Self::Behind { lane, .. } | Self::Ahead { lane, .. } => {
                Some(lane)
            }
            Self::Waiting { .. } | Self::Left => None,
        }
    }
}

impl Member {
    pub(crate) fn new(outbox: Outbox, encoding: Encoding) -> Self {
        Self {
            outbox,
            encoding,
            place: Cell::new(Place::Left),
            index: Cell::new(0),
            filters: Cell::new(0),
            delay: Cell::default(),
        }
    }

    /// What waits for its socket.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// In which form it gets events, for as long as it is connected.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// How long its events may wait: its shard's delay.
    pub(crate) fn delay(&self) -> Duration {
        self.delay.get()
    }

    pub(super) fn set_delay(&self, delay: Duration) {
        self.delay.set(delay);
    }

    /// Whether it reads by itself.
    pub fn is_behind(&self) -> bool {
        matches!(self.place.get(), Place::Behind { .. })
    }

    /// Whether it has not said yet what it wants.
    pub fn is_waiting(&self) -> bool {
        matches!(self.place.get(), Place::Waiting { .. })
    }

    /// Whether it reads the log.
    pub fn is_replaying(&self) -> bool {
        matches!(self.place.get(), Place::Behind { reading, .. } if reading.is_replaying)
    }

    /// How often its filter was replaced: what was read for an earlier one is of no use.
    pub fn filters(&self) -> u64 {
        self.filters.get()
    }

    /// The position that it reads next, given its shard's and the log's oldest; `None` when it has none yet.
    #[cfg(test)]
    pub(crate) fn reads_next(&self, shards: Seq, oldest: Seq) -> Option<Seq> {
        match self.place.get() {
            Place::Behind { reading, .. } => Some(reading.next.seq(oldest)),
            Place::Live { .. } => Some(shards),
            Place::Ahead { from, .. } => Some(from),
            Place::Waiting { .. } | Place::Left => None,
        }
    }

    pub(crate) fn refiltered(&self) {
        self.filters.set(self.filters.get() + 1);
    }

    /// Changes how far it has come, if it reads by itself.
    pub(crate) fn read_on<T>(&self, change: impl FnOnce(&mut Reading) -> T) -> Option<T> {
        let mut place = self.place.get();
        let Place::Behind { reading, .. } = &mut place else {
            return None;
        };
        let changed = change(reading);
        self.place.set(place);
        Some(changed)
    }

    pub(crate) fn place(&self) -> Place {
        self.place.get()
    }

    pub(super) fn index(&self) -> u32 {
        self.index.get()
    }

    /// Notes its new place, and where it is in the list of that.
    pub(super) fn set_place(&self, place: Place, index: u32) {
        self.place.set(place);
        self.index.set(index);
    }

    /// Notes that another one was taken out of the list.
    pub(super) fn moved_to(&self, index: u32) {
        self.index.set(index);
    }

    /// Notes another lane; how far it has come stays.
    pub(super) fn changes_to(&self, new_lane: LaneId) {
        let mut place = self.place.get();
        match &mut place {
            Place::Live { lane } | Place::Behind { lane, .. } | Place::Ahead { lane, .. } => {
                *lane = new_lane;
            }
            Place::Waiting { .. } | Place::Left => {}
        }
        self.place.set(place);
    }
}
