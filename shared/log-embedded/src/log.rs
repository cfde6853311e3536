//! The log as a whole: opened, shared, closed.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use fanjet_event::TimeUs;
use fanjet_log::{
    AppendError, Appender, Bounds, Entry, EventLog, Follow, LogError, LogIdentity, Page, ReadLimit,
    Selection, Seq,
};
use fanjet_runtime::Clock;

use crate::append::EmbeddedAppender;
use crate::decode::Decoder;
use crate::disk::RealDisk;
use crate::folder::Lock;
use crate::inner::Inner;
use crate::{EmbeddedConfig, OpenError, Troubles, follow, read, seek};

/// The log in a folder. Clones share it; it is closed when the last clone, appender and follow is dropped, which waits
/// for queued events.
#[derive(Clone)]
pub struct EmbeddedLog {
    inner: Arc<Inner>,
}

impl EmbeddedLog {
    /// Opens or creates the folder, and reads its contents (all of it, unless `verify` disables that) in a blocking
    /// thread. `clock` controls retention, and the first seq of a new log.
    ///
    /// # Errors
    /// [`OpenError`]: an invalid setting, another process in the folder, damage, another format, the disk.
    pub async fn open(config: EmbeddedConfig, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let path = config.path.clone();
        // Dropped with this future: the thread must not keep reading for a process that is stopping.
        let waiting = Arc::new(());
        let waited_for = Arc::downgrade(&waiting);
        let open = move || {
            let wanted = || waited_for.strong_count() > 0;
            let inner = Inner::open(config, clock, Arc::new(RealDisk), &wanted)?;
            Ok(Self {
                inner: Arc::new(inner),
            })
        };
        tokio::task::spawn_blocking(open)
            .await
            .map_err(io::Error::other)
            .map_err(OpenError::io("open", &path))?
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.inner.shared.config.path
    }

    /// The folder, which stays locked as long as this is held.
    pub(crate) fn lock(&self) -> Arc<Lock> {
        Arc::clone(&self.inner.lock)
    }

    /// Appended events are shown at once only while `is_wanted`, and otherwise up to 20 ms later, with fewer syncs. Without this
    /// call they always are. The first call counts. `is_wanted` is called for every group of events.
    pub fn prompt_while(&self, is_wanted: impl Fn() -> bool + Send + Sync + 'static) {
        self.inner.shared.demand.ask(Box::new(is_wanted));
    }

    /// The current failures of the folder, for readiness probes. Does not keep the log open.
    pub fn troubles(&self) -> Arc<Troubles> {
        Arc::clone(&self.inner.shared.troubles)
    }

    #[cfg(test)]
    pub(crate) fn leave_retention_to_the_test(&self) {
        self.inner.wake.close();
    }

    #[cfg(test)]
    pub(crate) fn inner_bounds(&self) -> Bounds {
        self.inner.shared.state.read().bounds()
    }

    /// The readers' view, without keeping the log open.
    #[cfg(test)]
    pub(crate) fn weak_shared(&self) -> std::sync::Weak<crate::shared::Shared> {
        Arc::downgrade(&self.inner.shared)
    }

    #[cfg(test)]
    pub(crate) fn open_on(
        config: EmbeddedConfig,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn crate::disk::Disk>,
    ) -> Result<Self, OpenError> {
        let inner = Inner::open(config, clock, disk, &|| true)?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }
}

#[async_trait]
impl EventLog for EmbeddedLog {
    async fn identity(&self) -> Result<LogIdentity, LogError> {
        Ok(self.inner.shared.identity)
    }

    /// The folder is locked: no other log can take its place.
    async fn adopt(&self) -> Result<LogIdentity, LogError> {
        self.identity().await
    }

    async fn bounds(&self) -> Result<Bounds, LogError> {
        Ok(self.inner.shared.state.read().bounds())
    }

    async fn last(&self) -> Result<Option<Entry>, LogError> {
        let last = self.inner.shared.state.read().bounds().last;
        let one = ReadLimit {
            entries: 1,
            bytes: 0,
        };
        // An entry appended meanwhile is behind this one; the last seq requested is the answer.
        let page = self.read(last, &Selection::All, one).await?;
        Ok(page.entries.into_iter().next())
    }

    async fn read(
        &self,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Result<Page, LogError> {
        let decoder = Decoder::new(selection.clone());
        let (page, _) = read::page(&self.inner.shared, from, decoder, limit).await?;
        Ok(page)
    }

    async fn follow(&self, from: Seq, selection: &Selection) -> Result<Follow, LogError> {
        Ok(follow::open(Arc::clone(&self.inner), from, selection))
    }

    async fn seq_at(&self, time: TimeUs) -> Result<Seq, LogError> {
        seek::seq_at(&self.inner.shared, time).await
    }

    async fn appender(&self, after: Seq) -> Result<Box<dyn Appender>, AppendError> {
        Ok(Box::new(EmbeddedAppender::new(
            Arc::clone(&self.inner),
            after,
        )))
    }
}

impl fmt::Debug for EmbeddedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedLog")
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

/// A clock at the start of time: nothing expires, and a new log starts at 1.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtZero;

#[cfg(test)]
impl Clock for AtZero {
    fn now_us(&self) -> u64 {
        0
    }
}
