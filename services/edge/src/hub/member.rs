//! A subscriber as its shard knows it.

use std::cell::Cell;

use fanjet_filter::Encoding;
use fanjet_log::Seq;

use super::LaneId;
use crate::replay::Start;
use crate::subscriber::Outbox;

/// One subscriber: its queue, and where it stands.
#[derive(Debug)]
pub struct Member {
    outbox: Outbox,
    encoding: Encoding,
    place: Cell<Place>,
    /// Where it begins, should it still be waiting.
    start: Cell<Start>,
    /// Whether it begins with the oldest event that there is when it is read.
    starts_at_oldest: Cell<bool>,
    /// Unix microseconds: no event before it is wanted. 0 once there can be none any more.
    not_before: Cell<u64>,
    /// Whether it reads the log.
    is_replaying: Cell<bool>,
    /// How often its filter was replaced.
    filters: Cell<u64>,
}

/// Where a subscriber stands. Its lane holds everything else that is known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Gets what its lane gathers; `index` is its place among the lane's members.
    Live { lane: LaneId, index: u32 },
    /// Reads by itself, on from `next`; `index` is its place among all who do.
    Behind { lane: LaneId, index: u32, next: Seq },
    /// Starts at `from`, which its shard has not reached, or with the first event behind it that is not too early;
    /// `index` is its place among all who do.
    Ahead { lane: LaneId, index: u32, from: Seq },
    /// Has not said yet what it wants; `index` is its place among all who have not.
    Waiting { index: u32 },
    /// Gets nothing more.
    Left,
}

impl Place {
    /// The lane that is held.
    pub(crate) fn lane(self) -> Option<LaneId> {
        match self {
            Self::Live { lane, .. } | Self::Behind { lane, .. } | Self::Ahead { lane, .. } => {
                Some(lane)
            }
            Self::Waiting { .. } | Self::Left => None,
        }
    }

    /// The same place at another index of its list.
    fn at(mut self, new_index: u32) -> Self {
        match &mut self {
            Self::Live { index, .. }
            | Self::Behind { index, .. }
            | Self::Ahead { index, .. }
            | Self::Waiting { index } => *index = new_index,
            Self::Left => {}
        }
        self
    }
}

impl Member {
    pub(crate) fn new(outbox: Outbox, encoding: Encoding) -> Self {
        Self {
            outbox,
            encoding,
            place: Cell::new(Place::Left),
            start: Cell::new(Start::Live),
            starts_at_oldest: Cell::new(false),
            not_before: Cell::new(0),
            is_replaying: Cell::new(false),
            filters: Cell::new(0),
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
        self.is_replaying.get()
    }

    /// How often its filter was replaced: what was read for an earlier one is of no use.
    pub fn filters(&self) -> u64 {
        self.filters.get()
    }

    /// The position that it reads next, given its shard's; `None` when it has none yet.
    #[cfg(test)]
    pub(crate) fn reads_next(&self, shards: Seq) -> Option<Seq> {
        match self.place.get() {
            Place::Behind { next, .. } => Some(next),
            Place::Live { .. } => Some(shards),
            Place::Ahead { from, .. } => Some(from),
            Place::Waiting { .. } | Place::Left => None,
        }
    }

    pub(crate) fn refiltered(&self) {
        self.filters.set(self.filters.get() + 1);
    }

    pub(crate) fn start(&self) -> Start {
        self.start.get()
    }

    pub(crate) fn set_start(&self, start: Start) {
        self.start.set(start);
    }

    pub(crate) fn starts_at_oldest(&self) -> bool {
        self.starts_at_oldest.get()
    }

    pub(crate) fn set_starts_at_oldest(&self, is_so: bool) {
        self.starts_at_oldest.set(is_so);
    }

    /// Unix microseconds: no event before it is wanted. 0 when there can be none.
    pub(crate) fn not_before(&self) -> u64 {
        self.not_before.get()
    }

    pub(crate) fn set_not_before(&self, time: u64) {
        self.not_before.set(time);
    }

    pub(crate) fn set_replaying(&self, is_so: bool) {
        self.is_replaying.set(is_so);
    }

    pub(crate) fn place(&self) -> Place {
        self.place.get()
    }

    pub(crate) fn set_place(&self, place: Place) {
        self.place.set(place);
    }

    /// Notes its new index after another one was taken out of the list.
    pub(crate) fn moved_to(&self, new_index: u32) {
        self.place.set(self.place.get().at(new_index));
    }
}
