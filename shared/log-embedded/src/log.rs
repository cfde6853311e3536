//! The log as a whole: opened, shared, closed.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use async_trait::async_trait;
use fanjet_actors::Clock;
use fanjet_event::TimeUs;
use fanjet_log::{
    AppendError, Appender, Bounds, Entry, EventLog, Follow, LogError, LogIdentity, Page, ReadLimit,
    Selection, Seq, first_seq,
};
use tracing::info;

use crate::append::EmbeddedAppender;
use crate::decode::Decoder;
use crate::disk::{Disk, RealDisk};
use crate::folder::{self, Lock};
use crate::identity::{self, Holds};
use crate::recover::{Recovered, Then, recover};
use crate::retention::{self, Wake};
use crate::shared::Shared;
use crate::state::State;
use crate::writer::Writer;
use crate::{EmbeddedConfig, OpenError, Troubles, follow, read, seek};

/// The log in a folder. Clones share it; it is closed when the last clone, appender and follow is dropped, which waits
/// for what is queued.
#[derive(Clone)]
pub struct EmbeddedLog {
    inner: Arc<Inner>,
}

/// What keeps the folder and the threads.
pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    wake: Arc<Wake>,
    threads: Vec<JoinHandle<()>>,
    /// Given back when everything else has ended.
    lock: Arc<Lock>,
}

impl EmbeddedLog {
    /// Opens the folder, or makes it, and reads what it holds (all of it, unless `verify` says otherwise) in a thread
    /// that may block. `clock` decides about age, and where a new log begins.
    ///
    /// # Errors
    /// [`OpenError`]: a setting that cannot be, another process in the folder, damage, another format, the disk.
    pub async fn open(config: EmbeddedConfig, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let path = config.path.clone();
        // Dropped with this future: the thread must not read on for a process that has been asked to stop.
        let waiting = Arc::new(());
        let waited_for = Arc::downgrade(&waiting);
        let open = move || {
            let wanted = || waited_for.strong_count() > 0;
            Self::open_while(config, clock, Arc::new(RealDisk), &wanted)
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

    /// The folder, which is held as long as somebody has this.
    pub(crate) fn lock(&self) -> Arc<Lock> {
        Arc::clone(&self.inner.lock)
    }

    /// What is wrong with the folder at any moment, for readiness probes. Does not keep the log open.
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

    /// What the readers see, without keeping the log open.
    #[cfg(test)]
    pub(crate) fn weak_shared(&self) -> std::sync::Weak<Shared> {
        Arc::downgrade(&self.inner.shared)
    }

    #[cfg(test)]
    pub(crate) fn open_on(
        config: EmbeddedConfig,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, OpenError> {
        Self::open_while(config, clock, disk, &|| true)
    }

    fn open_while(
        config: EmbeddedConfig,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn Disk>,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Self, OpenError> {
        config.check()?;
        let began = Instant::now();
        let lock = Arc::new(folder::lock(&*disk, &config.path)?);
        let holds = match folder::segments(&config.path)?.as_slice() {
            [] => Holds::Nothing,
            [..] => Holds::Log,
        };
        let now_us = clock.now_us();
        let fresh = LogIdentity::new(now_us.saturating_mul(1000), rand::random());
        let identity = identity::keep(&*disk, &config.path, holds, fresh)?;
        let Recovered {
            sealed,
            active,
            file,
            then,
            trouble,
        } = recover(
            &*disk,
            &config.path,
            config.verify,
            first_seq(now_us),
            wanted,
        )?;
        let mut state = State::new(sealed, active, config.tail_bytes);
        if then == Then::BeginNext {
            state.finish();
        }
        let bounds = state.bounds();
        info!(
            path = %config.path.display(),
            %identity,
            first = bounds.first,
            last = bounds.last,
            segments = state.sealed.len() + 1,
            verify = ?config.verify,
            seconds = began.elapsed().as_secs_f64(),
            "opened the log"
        );
        let path = config.path.clone();
        let mut inner = Inner {
            shared: Arc::new(Shared::new(config, clock, disk, identity, state)),
            wake: Arc::default(),
            threads: Vec::new(),
            lock: Arc::clone(&lock),
        };
        if let Some(error) = trouble {
            inner.shared.writing_failed(&error);
        }
        let writer = Writer::new(Arc::clone(&inner.shared), Arc::clone(&lock), file, then);
        let shared = Arc::clone(&inner.shared);
        inner
            .start("fanjet-log", move || {
                let _end = AbandonQueue(shared);
                writer.run();
            })
            .map_err(OpenError::io("start a thread for", &path))?;
        let (shared, wake) = (Arc::clone(&inner.shared), Arc::clone(&inner.wake));
        // Now, and not when the machine finds time for the thread.
        let age = retention::begin(&shared);
        inner
            .start("fanjet-log-age", move || {
                retention::run(&shared, &lock, &wake, age)
            })
            .map_err(OpenError::io("start a thread for", &path))?;
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
        // An entry appended meanwhile stands behind this one; the last seq asked for is the answer.
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

impl Inner {
    fn start(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work)?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.wake.close();
        self.shared.queue.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so itself.
            drop(thread.join());
        }
    }
}

/// Fails whoever waits for the writer, also when it panicked.
struct AbandonQueue(Arc<Shared>);

impl Drop for AbandonQueue {
    fn drop(&mut self) {
        self.0.queue.abandon();
    }
}

/// A clock that stands at the beginning of time: nothing ages, and a new log begins at 1.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtZero;

#[cfg(test)]
impl Clock for AtZero {
    fn now_us(&self) -> u64 {
        0
    }
}
