//! How far everything is, for readiness and for the next session.

use std::time::Duration;

use fanjet_log::{Bounds, LogIdentity, Seq};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::broker::{Position, Status};
use crate::window::Mark;

/// How far everything is, shared with readiness.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The state of the Kafka connection.
    pub(crate) status: Status,
    state: Mutex<State>,
    /// The damaged entry at which producing is stuck.
    damage: Mutex<Option<String>>,
    hung: Notify,
}

/// A snapshot.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct State {
    /// Whether the log is being followed.
    pub(crate) is_following: bool,
    /// The newest seq that was read.
    pub(crate) read: Seq,
    /// The seq up to which everything is acknowledged.
    pub(crate) acked: Mark,
    /// The log of that seq; `None` until it is known.
    pub(crate) log: Option<LogIdentity>,
    /// How long nothing has been acknowledged although something is in flight.
    pub(crate) stalled_for: Duration,
    /// The newest seq of the log at the last query.
    pub(crate) log_last: Seq,
}

impl Progress {
    pub(crate) fn state(&self) -> State {
        *self.state.lock()
    }

    /// The seq up to which everything is acknowledged, as reported by an earlier session.
    pub(super) fn known(&self) -> Option<Position> {
        let state = self.state();
        state.log.map(|log| Position {
            next: state.acked.seq + 1,
            time_us: Some(state.acked.time_us),
            log: Some(log),
        })
    }

    /// Why the log cannot be read at the resume position.
    pub(crate) fn damage(&self) -> Option<String> {
        self.damage.lock().clone()
    }

    /// Remembers the damage at which producing is stuck, until it is passed.
    pub(super) fn damaged(&self, damage: Option<String>) {
        *self.damage.lock() = damage;
    }

    pub(super) fn following(&self, is_following: bool) {
        self.state.lock().is_following = is_following;
    }

    pub(super) fn read(&self, seq: Seq) {
        self.state.lock().read = seq;
    }

    pub(super) fn moved(&self, acked: Mark, log: LogIdentity, stalled_for: Duration) {
        let mut state = self.state.lock();
        state.acked = acked;
        state.log = Some(log);
        state.stalled_for = stalled_for;
    }

    pub(super) fn asked(&self, bounds: Bounds) -> State {
        let mut state = self.state.lock();
        let before = *state;
        state.log_last = bounds.last;
        before
    }

    /// The log has more, but its stream does not deliver it.
    pub(super) fn hang(&self) {
        self.hung.notify_one();
    }

    /// Completes when the log has more, but its stream does not deliver it.
    pub(super) async fn hangs(&self) {
        self.hung.notified().await;
    }
}
