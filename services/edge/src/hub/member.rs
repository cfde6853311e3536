//! A subscriber as its shard knows it.

use std::cell::Cell;

use fanjet_filter::Encoding;
use fanjet_log::Seq;

use super::LaneId;
use crate::subscriber::Outbox;

/// One subscriber: its queue, and where it stands.
#[derive(Debug)]
pub struct Member {
    outbox: Outbox,
    encoding: Encoding,
    place: Cell<Place>,
}

/// Where a subscriber stands. Its lane holds everything else that is known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Gets what its lane gathers; `index` is its place among the lane's members.
    Live { lane: LaneId, index: u32 },
    /// Reads the ring by itself, on from `next`; `index` is its place among all who do.
    Behind { lane: LaneId, index: u32, next: Seq },
    /// Starts at `from`, which its shard has not reached; `index` is its place among all who do.
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

    /// Whether it reads the ring by itself.
    pub fn is_behind(&self) -> bool {
        matches!(self.place.get(), Place::Behind { .. })
    }

    /// Whether it has not said yet what it wants.
    pub fn is_waiting(&self) -> bool {
        matches!(self.place.get(), Place::Waiting { .. })
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
