//! A subscriber as its shard knows it.

use std::cell::Cell;

use fanjet_log::Seq;

use super::LaneId;
use crate::subscriber::Outbox;

/// One subscriber: its queue, and where it stands.
#[derive(Debug)]
pub struct Member {
    outbox: Outbox,
    place: Cell<Place>,
}

/// Where a subscriber stands. Its lane holds everything else that is known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Gets what its lane gathers; `index` is its place among the lane's members.
    Live { lane: LaneId, index: u32 },
    /// Reads the ring by itself, on from `next`; `index` is its place among all who do.
    Behind { lane: LaneId, index: u32, next: Seq },
    /// Gets nothing more.
    Left,
}

impl Member {
    pub(crate) fn new(outbox: Outbox) -> Self {
        Self {
            outbox,
            place: Cell::new(Place::Left),
        }
    }

    /// What waits for its socket.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Whether it reads the ring by itself.
    pub fn is_behind(&self) -> bool {
        matches!(self.place.get(), Place::Behind { .. })
    }

    pub(crate) fn place(&self) -> Place {
        self.place.get()
    }

    pub(crate) fn set_place(&self, place: Place) {
        self.place.set(place);
    }

    /// Notes its new index after another one was taken out of the list.
    pub(crate) fn moved_to(&self, new_index: u32) {
        self.place.set(match self.place.get() {
            Place::Live { lane, .. } => Place::Live {
                lane,
                index: new_index,
            },
            Place::Behind { lane, next, .. } => Place::Behind {
                lane,
                index: new_index,
                next,
            },
            Place::Left => Place::Left,
        });
    }
}
