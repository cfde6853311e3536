//! A subscriber as its shard sees it.

use std::cell::Cell;
use std::time::Duration;

use fanjet_filter::Encoding;
use fanjet_log::Seq;

use super::lane_id::LaneId;
use crate::outbox::Outbox;
use crate::replay::Start;
use crate::tail::Entry;

/// One subscriber: its queue and its state.
#[derive(Debug)]
pub struct Member {
    outbox: Outbox,
    encoding: Encoding,
    state: Cell<MemberState>,
    /// Its index in the list of its state.
    index: Cell<u32>,
    /// How often its filter was replaced.
    filters: Cell<u64>,
    /// The maximum delay of its events.
    delay: Cell<Duration>,
}

/// The state of a subscriber. Everything else that is known about it is in its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MemberState {
    /// Receives the events that its lane gathers.
    Live { lane: LaneId },
    /// Reads at its own pace.
    Behind { lane: LaneId, reading: Reading },
    /// Starts at `from`, which its shard has not reached, or at the first later event that is not too early. `not_before` is
    /// as in [`Reading`].
    Ahead {
        lane: LaneId,
        from: Seq,
        not_before: u64,
    },
    /// Has not sent its hello; begins at `start` when it does.
    Waiting { start: Start },
    /// Receives nothing more.
    Left,
}

/// The progress of a member that reads at its own pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) next: Next,
    /// Unix microseconds: earlier events are skipped. 0 when there can be none.
    pub(crate) not_before: u64,
    /// Whether it reads the log because the ring no longer has its next event.
    pub(crate) is_replaying: bool,
}

/// The position that a member reads next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The oldest event at the time of the read. Nothing was read yet, and this was the oldest seq at the start.
    Oldest(Seq),
    /// This seq. When the log no longer has it, events are missing.
    At(Seq),
}

impl Next {
    /// The seq, given the log's current first seq.
    pub(crate) fn seq(self, oldest: Seq) -> Seq {
        match self {
            Self::Oldest(seq) => seq.max(oldest),
            Self::At(seq) => seq,
        }
    }

    /// Whether events are missing for a reader that can read back to `readable` at most.
    pub(crate) fn is_lost(self, readable: Seq) -> bool {
        matches!(self, Self::At(next) if next < readable)
    }
}

impl Reading {
    /// Continues at `next`, after `entries`. Returns how many of them are too early.
    pub(crate) fn advance(&mut self, next: Seq, entries: &[impl AsRef<Entry>]) -> usize {
        self.next = Next::At(next);
        if self.not_before == 0 {
            return 0;
        }
        let early = entries.partition_point(|entry| entry.as_ref().time().get() < self.not_before);
        if early < entries.len() {
            self.not_before = 0;
        }
        early
    }
}

impl MemberState {
    /// The lane that it holds.
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
            state: Cell::new(MemberState::Left),
            index: Cell::new(0),
            filters: Cell::new(0),
            delay: Cell::default(),
        }
    }

    /// The queue of its socket.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The encoding of its events, fixed for the connection.
    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The maximum delay of its events, which is its shard's delay.
    pub(crate) fn delay(&self) -> Duration {
        self.delay.get()
    }

    pub(super) fn set_delay(&self, delay: Duration) {
        self.delay.set(delay);
    }

    /// Whether it reads at its own pace.
    pub fn is_behind(&self) -> bool {
        matches!(self.state.get(), MemberState::Behind { .. })
    }

    /// Whether it has not sent its hello.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state.get(), MemberState::Waiting { .. })
    }

    /// Whether it reads the log.
    pub fn is_replaying(&self) -> bool {
        matches!(self.state.get(), MemberState::Behind { reading, .. } if reading.is_replaying)
    }

    /// How often its filter was replaced: pages that were read for an earlier filter are useless.
    pub fn filters(&self) -> u64 {
        self.filters.get()
    }

    /// The position that it reads next, given its shard's position and the log's oldest seq; `None` when it has none yet.
    #[cfg(test)]
    pub(crate) fn reads_next(&self, shards: Seq, oldest: Seq) -> Option<Seq> {
        match self.state.get() {
            MemberState::Behind { reading, .. } => Some(reading.next.seq(oldest)),
            MemberState::Live { .. } => Some(shards),
            MemberState::Ahead { from, .. } => Some(from),
            MemberState::Waiting { .. } | MemberState::Left => None,
        }
    }

    pub(crate) fn filter_replaced(&self) {
        self.filters.set(self.filters.get() + 1);
    }

    /// Updates its progress, if it reads at its own pace.
    pub(crate) fn update_reading<T>(&self, change: impl FnOnce(&mut Reading) -> T) -> Option<T> {
        let mut state = self.state.get();
        let MemberState::Behind { reading, .. } = &mut state else {
            return None;
        };
        let changed = change(reading);
        self.state.set(state);
        Some(changed)
    }

    pub(crate) fn state(&self) -> MemberState {
        self.state.get()
    }

    pub(super) fn index(&self) -> u32 {
        self.index.get()
    }

    /// Sets its state and its index in the list of that state.
    pub(super) fn set_state(&self, state: MemberState, index: u32) {
        self.state.set(state);
        self.index.set(index);
    }

    /// Updates its index after another member was removed from the list.
    pub(super) fn moved_to(&self, index: u32) {
        self.index.set(index);
    }

    /// Changes its lane and keeps its progress.
    pub(super) fn changes_to(&self, new_lane: LaneId) {
        let mut state = self.state.get();
        match &mut state {
            MemberState::Live { lane }
            | MemberState::Behind { lane, .. }
            | MemberState::Ahead { lane, .. } => {
                *lane = new_lane;
            }
            MemberState::Waiting { .. } | MemberState::Left => {}
        }
        self.state.set(state);
    }
}
