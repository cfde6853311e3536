//! State shared by the log, its writer, its appenders and its readers.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use fanjet_log::{LogError, LogIdentity, Seq};
use fanjet_runtime::Clock;
use parking_lot::RwLock;
use tokio::sync::{Semaphore, watch};

use crate::EmbeddedConfig;
use crate::block::BlockCache;
use crate::demand::Demand;
use crate::disk::Disk;
use crate::queue::Queue;
use crate::state::State;
use crate::troubles::{Part, Troubles};

pub(crate) struct Shared {
    pub(crate) config: EmbeddedConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) identity: LogIdentity,
    /// The durable state. Locked briefly only, never across a disk access.
    pub(crate) state: RwLock<State>,
    /// The last durable seq. Updated after the state: a reader that sees it here finds the entry there.
    pub(crate) grown: watch::Sender<Seq>,
    /// The queue from the appenders to the writer.
    pub(crate) queue: Queue,
    /// Whether new events must be shown at once.
    pub(crate) demand: Demand,
    /// Current failures of the folder.
    pub(crate) troubles: Arc<Troubles>,
    /// Segments that end before this seq are removed, whatever the limits.
    pub(crate) floor: AtomicU64,
    /// Cached blocks.
    pub(crate) cache: BlockCache,
    /// Bounds the reads that use the disk.
    reads: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(
        config: EmbeddedConfig,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn Disk>,
        identity: LogIdentity,
        state: State,
        troubles: Troubles,
    ) -> Self {
        Self {
            queue: Queue::new(config.window_bytes),
            demand: Demand::default(),
            troubles: Arc::new(troubles),
            floor: AtomicU64::new(0),
            cache: BlockCache::new(config.cache_bytes),
            reads: Arc::new(Semaphore::new(config.concurrent_reads)),
            grown: watch::Sender::new(state.bounds().last),
            state: RwLock::new(state),
            config,
            clock,
            disk,
            identity,
        }
    }

    /// Records for readiness that nothing can be written at the moment.
    pub(crate) fn writing_failed(&self, error: &io::Error) {
        let cause = format!("not writable: {error}");
        self.troubles
            .set(Part::Writing, cause, self.clock.instant());
    }
}

/// Reads that use the disk, on blocking threads: bounded, and in the order of arrival.
pub(crate) async fn on_disk<T: Send + 'static>(
    shared: &Arc<Shared>,
    read: impl FnOnce(&Shared) -> Result<T, LogError> + Send + 'static,
) -> Result<T, LogError> {
    let permit = Arc::clone(&shared.reads)
        .acquire_owned()
        .await
        .map_err(LogError::unavailable)?;
    let shared = Arc::clone(shared);
    tokio::task::spawn_blocking(move || {
        let found = read(&shared);
        drop(permit);
        found
    })
    .await
    .map_err(LogError::unavailable)?
}
