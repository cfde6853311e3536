//! How far everything is, for readiness and for the next session.

use std::time::Duration;

use fanjet_log::{Bounds, LogIdentity, Seq};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::broker::{Position, Status};
use crate::window::Mark;

/// How far everything is. Shared with readiness.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Kafka's side.
    pub(crate) status: Status,
    state: Mutex<State>,
    /// The damage at which producing stands.
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
    /// Up to where everything is acknowledged.
    pub(crate) acked: Mark,
    /// The log whose seq that is; `None` until it was ever told.
    pub(crate) log: Option<LogIdentity>,
    /// How long nothing was acknowledged although something is under way.
    pub(crate) stalled_for: Duration,
    /// The newest seq of the log, when it was asked last.
    pub(crate) log_last: Seq,
}

impl Progress {
    pub(crate) fn state(&self) -> State {
        *self.state.lock()
    }

    /// Up to where everything is acknowledged, as far as an earlier session has told.
    pub(super) fn known(&self) -> Option<Position> {
        let state = self.state();
        state.log.map(|log| Position {
            next: state.acked.seq + 1,
            time_us: Some(state.acked.time_us),
            log: Some(log),
        })
    }

    /// Why the log cannot be read where it is to be gone on with.
    pub(crate) fn damage(&self) -> Option<String> {
        self.damage.lock().clone()
    }

    /// Remembers the damage at which producing stands, until it is passed.
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

    /// The log has more, and its stream does not give it.
    pub(super) fn hang(&self) {
        self.hung.notify_one();
    }

    /// Returns when the log has more, and its stream does not give it.
    pub(super) async fn hangs(&self) {
        self.hung.notified().await;
    }
}
