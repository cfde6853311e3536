//! State shared by the log, its appenders and its follows.

use parking_lot::Mutex;
use tokio::sync::watch;

use super::faults::Faults;
use super::options::MemoryOptions;
use super::state::State;
use crate::{NewEvent, Seq};

/// How much was read of a [`MemoryLog`](super::MemoryLog), page by page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    /// Pages.
    pub pages: u64,
    /// Entries on them.
    pub entries: u64,
}

/// The state of the log.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: MemoryOptions,
    pub(super) faults: Faults,
    pub(super) reads: Mutex<Reads>,
    pub(super) state: Mutex<State>,
    /// The last seq. Updated after the state: a reader that sees it here finds the entry there.
    pub(super) grown: watch::Sender<Seq>,
}

impl Shared {
    /// Stores consecutive events and wakes the follows. Under the lock, so that checking the end and writing is atomic.
    pub(super) fn store(&self, state: &mut State, events: &[NewEvent]) -> Seq {
        for event in events {
            state.push(event, &self.options);
        }
        let last = state.bounds().last;
        self.grown.send_replace(last);
        last
    }
}
