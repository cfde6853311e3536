//! What the log, its appenders and its follows hold in common.

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

/// All of it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: MemoryOptions,
    pub(super) faults: Faults,
    pub(super) reads: Mutex<Reads>,
    pub(super) state: Mutex<State>,
    /// The last seq. Behind the state: whoever sees it here finds the entry there.
    pub(super) grown: watch::Sender<Seq>,
}

impl Shared {
    /// Stores events behind each other, and wakes the follows. Under the lock, so that checking the end and
    /// writing there is one step.
    pub(super) fn store(&self, state: &mut State, events: &[NewEvent]) -> Seq {
        for event in events {
            state.push(event, &self.options);
        }
        let last = state.bounds().last;
        self.grown.send_replace(last);
        last
    }
}
