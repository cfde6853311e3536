//! What all connections share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::history::History;
use crate::mute::Mute;
use crate::{CursorHabit, Directory};

/// What all connections share.
pub(crate) struct Server {
    pub(crate) history: Arc<History>,
    pub(crate) directory: Directory,
    pub(crate) promised_seq: u64,
    pub(crate) cursors: CursorHabit,
    pub(crate) stall: Duration,
    pub(crate) mute: Arc<Mute>,
    pub(crate) places: Arc<Semaphore>,
    /// Open subscriptions.
    pub(crate) clients: watch::Sender<usize>,
    /// Subscriptions ever opened.
    pub(crate) subscriptions: AtomicU64,
    /// While it is set, connections are dropped as they come.
    pub(crate) is_down: AtomicBool,
    /// Connections dropped by that.
    pub(crate) refused: AtomicU64,
    /// Ends the server.
    pub(crate) shutdown: CancellationToken,
    /// Ends the connections that are open now; replaced when used.
    pub(crate) disconnect: Mutex<CancellationToken>,
    pub(crate) tasks: TaskTracker,
}
