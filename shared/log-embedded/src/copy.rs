//! A copy of a stretch of another log, in a folder that may be lost at any time.
//!
//! It starts at any seq, grows at both ends without a hole between, and forgets its oldest events. It keeps what readers need
//! of an event, and not its origin. It never waits for the disk: what a power failure tears is found when it is opened or read,
//! and the owner starts another copy. It must never serve an event that is not the original's, and never remove a folder's
//! files unless they are a copy's.

mod encode;
mod append;
mod past;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fanjet_event::TimeUs;
use fanjet_log::{Bounds, LogError, LogIdentity, Page, ReadLimit, Selection, Seq};
use fanjet_runtime::Clock;

use crate::append::EmbeddedAppender;
use crate::decode::Decoder;
use crate::disk::{Disk, RealDisk, UnsyncedDisk};
use crate::folder::{self, Lock};
use crate::inner::Inner;
use crate::recover::recover;
use crate::troubles::Troubles;
use crate::{EmbeddedConfig, OpenError, Sync, Verify, identity, read, seek};

pub use append::CopyAppender;
pub use encode::Copied;
pub use past::Past;

/// A copy has about this many segments when it is full.
const SEGMENTS: u64 = 64;
/// What the smallest segments have, so that a small copy is not all files.
const MIN_SEGMENT: u64 = 128 << 10;
/// What the largest segments have, so that little is forgotten at once.
const MAX_SEGMENT: u64 = 64 << 20;
/// Memory for blocks: pages of the same reader share the ones at their borders.
const CACHE_BYTES: usize = 16 << 20;

/// Where a copy is and how large it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyConfig {
    /// The folder. Files in it that are not a copy's are left alone.
    pub path: PathBuf,
    /// Bytes on disk. Kept below, up to what is appended in a second.
    pub max_bytes: u64,
}

/// An open copy. Clones share it; it is closed when the last clone, appender and past is dropped, which blocks for the threads.
#[derive(Clone)]
pub struct LogCopy {
    inner: Arc<Inner>,
}

impl LogCopy {
    /// Opens the copy of the log `of` in the folder. `None`: the folder has no copy, or one of another log.
    ///
    /// # Errors
    /// [`OpenError`]: another process in the folder, damage, another format, the disk.
    pub async fn open(
        config: CopyConfig,
        of: LogIdentity,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Self>, OpenError> {
        in_background(move || {
            let lock = folder::lock(&UnsyncedDisk, &config.path)?;
            if identity::of_copy(&config.path)? != Some(of)
                || folder::segments(&config.path)?.is_empty()
            {
                return Ok(None);
            }
            // Every seq that matters is in a file's name or footer.
            Self::start(&config, of, 1, clock, lock, Arc::new(UnsyncedDisk)).map(Some)
        })
        .await
    }

    /// Removes the copy that the folder has, whatever its state, and starts one of the log `of`, whose first event has at least
    /// the seq `first`.
    ///
    /// # Errors
    /// [`OpenError`]: another process in the folder, segments that are not a copy's, the disk.
    pub async fn create(
        config: CopyConfig,
        of: LogIdentity,
        first: Seq,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        Self::create_on(config, of, first, clock, Arc::new(UnsyncedDisk)).await
    }

    pub(crate) async fn create_on(
        config: CopyConfig,
        of: LogIdentity,
        first: Seq,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, OpenError> {
        in_background(move || {
            let lock = folder::lock(&UnsyncedDisk, &config.path)?;
            remove_segments(&config.path)?;
            identity::mark_copy(&*disk, &config.path, of)?;
            Self::start(&config, of, first.max(1), clock, lock, disk)
        })
        .await
    }

    /// Removes the copy that the folder has. No process may have it open.
    ///
    /// # Errors
    /// As [`LogCopy::create`].
    pub async fn remove(path: PathBuf) -> Result<(), OpenError> {
        in_background(move || {
            let _lock = folder::lock(&UnsyncedDisk, &path)?;
            remove_segments(&path)
        })
        .await
    }

    fn start(
        config: &CopyConfig,
        of: LogIdentity,
        new_first: Seq,
        clock: Arc<dyn Clock>,
        lock: Lock,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, OpenError> {
        let config = config.embedded();
        let recovered = recover(&*disk, &config.path, config.verify, new_first, &|| true)?;
        let inner = Inner::start(
            config,
            clock,
            disk,
            Arc::new(lock),
            of,
            recovered,
            Troubles::silent(),
        )?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// What it holds.
    pub fn bounds(&self) -> Bounds {
        self.inner.shared.state.read().bounds()
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.inner.shared.state.read().bytes()
    }

    /// The bytes of a full segment: what is forgotten at once, and what a [`Past`] should have.
    pub fn segment_bytes(&self) -> u64 {
        self.inner.shared.config.segment_bytes
    }

    /// As [`EventLog::read`](fanjet_log::EventLog::read); all origins are the same.
    ///
    /// # Errors
    /// [`LogError::Corrupt`], [`LogError::Unavailable`].
    pub async fn read(
        &self,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Result<Page, LogError> {
        let decoder = Decoder::new(selection.clone());
        let (page, _) = read::page(&self.inner.shared, from, decoder, limit).await?;
        Ok(page)
    }

    /// As [`EventLog::seq_at`](fanjet_log::EventLog::seq_at), of what it holds.
    ///
    /// # Errors
    /// As [`LogCopy::read`].
    pub async fn seq_at(&self, time: TimeUs) -> Result<Seq, LogError> {
        seek::seq_at(&self.inner.shared, time).await
    }

    /// Forgets segments that end before `seq`, soon. Never takes back what it was called with before.
    pub fn forget_before(&self, seq: Seq) {
        self.inner.shared.floor.fetch_max(seq, Ordering::Relaxed);
    }

    /// Whether both are the same open copy.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Whether its folder or newest file was removed or replaced by someone else.
    pub fn is_lost(&self) -> bool {
        let newest = Arc::clone(&self.inner.shared.state.read().active.path);
        self.inner.lock.check().is_err() || !newest.exists()
    }

    /// Writes behind its last seq. One at a time.
    pub fn appender(&self) -> CopyAppender {
        let last = self.bounds().last;
        CopyAppender {
            appender: EmbeddedAppender::new(Arc::clone(&self.inner), last),
            last,
        }
    }

    /// Starts a segment before the first seq. One at a time.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn past(&self, first: Seq) -> io::Result<Past> {
        Past::begin(Arc::clone(&self.inner), first).await
    }
}

impl CopyConfig {
    fn embedded(&self) -> EmbeddedConfig {
        let segment_bytes = (self.max_bytes / SEGMENTS).clamp(MIN_SEGMENT, MAX_SEGMENT);
        EmbeddedConfig {
            max_age: Duration::ZERO,
            // Room for the segment that is being written, and for one that is not removed yet.
            max_bytes: self.max_bytes.saturating_sub(2 * segment_bytes).max(1),
            segment_bytes,
            sync: Sync::Always,
            verify: Verify::Last,
            // The owner has the newest events in memory.
            tail_bytes: 0,
            cache_bytes: CACHE_BYTES,
            ..EmbeddedConfig::in_folder(&self.path)
        }
    }
}

/// Removes the segments of a copy, the oldest first: what remains of an interrupted removal is a shorter copy.
fn remove_segments(path: &Path) -> Result<(), OpenError> {
    let segments = folder::segments(path)?;
    if !segments.is_empty() && !identity::is_copy(path) {
        return Err(OpenError::Setting {
            key: "path",
            what: format!(
                "{} has a log that is not a copy; allowed: an empty folder",
                path.display()
            ),
        });
    }
    for (_, file) in segments {
        fs::remove_file(&file).map_err(OpenError::io("remove", &file))?;
    }
    // No old segment may appear again beside new ones.
    RealDisk
        .sync_folder(path)
        .map_err(OpenError::io("sync", path))
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)
        .map_err(OpenError::io("open", Path::new("the copy")))?
}

impl fmt::Debug for LogCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogCopy")
            .field("path", &self.inner.shared.config.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
