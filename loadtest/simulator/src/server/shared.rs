//! State shared by all connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::crawls::CrawlRequests;
use crate::history::History;
use crate::mute::Mute;
use crate::{CursorHabit, Directory};

/// State shared by all connections.
pub(crate) struct Server {
    pub(crate) history: Arc<History>,
    pub(crate) directory: Directory,
    pub(crate) promised_seq: u64,
    pub(crate) cursors: CursorHabit,
    pub(crate) stall: Duration,
    pub(crate) mute: Arc<Mute>,
    pub(crate) places: Arc<Semaphore>,
    /// Requests to crawl a host.
    pub(crate) crawls: CrawlRequests,
    /// Open subscriptions.
    pub(crate) clients: watch::Sender<usize>,
    /// Subscriptions ever opened.
    pub(crate) subscriptions: AtomicU64,
    /// While this is set, new connections are dropped.
    pub(crate) is_down: AtomicBool,
    /// Connections dropped for that reason.
    pub(crate) refused: AtomicU64,
    /// Stops the server.
    pub(crate) shutdown: CancellationToken,
    /// Closes the open connections; replaced when used.
    pub(crate) disconnect: Mutex<CancellationToken>,
    pub(crate) tasks: TaskTracker,
}
