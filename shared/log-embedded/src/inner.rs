//! An open log: the folder, the readers' state, and the threads for writing and retention.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use fanjet_log::{LogIdentity, first_seq};
use fanjet_runtime::Clock;
use tracing::info;

use crate::disk::Disk;
use crate::folder::{self, Lock};
use crate::identity::{self, Holds};
use crate::recover::{Recovered, Then, recover};
use crate::retention::{self, Wake};
use crate::shared::Shared;
use crate::state::State;
use crate::troubles::Troubles;
use crate::writer::Writer;
use crate::{EmbeddedConfig, OpenError};

/// Keeps the folder and the threads alive.
pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) wake: Arc<Wake>,
    threads: Vec<JoinHandle<()>>,
    /// Released when everything else has ended.
    pub(crate) lock: Arc<Lock>,
}

impl Inner {
    /// Opens the folder, as long as that is `wanted`.
    pub(crate) fn open(
        config: EmbeddedConfig,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn Disk>,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Self, OpenError> {
        config.check()?;
        let began = Instant::now();
        let lock = Arc::new(folder::lock(&*disk, &config.path)?);
        if identity::is_copy(&config.path) {
            return Err(OpenError::Setting {
                key: "embedded.path",
                what: "the folder has an edge's copy of another log; allowed: a folder of its own"
                    .to_owned(),
            });
        }
        let holds = match folder::segments(&config.path)?.as_slice() {
            [] => Holds::Nothing,
            [..] => Holds::Log,
        };
        let now_us = clock.now_us();
        let fresh = LogIdentity::new(now_us.saturating_mul(1000), rand::random());
        let identity = identity::keep(&*disk, &config.path, holds, fresh)?;
        let recovered = recover(
            &*disk,
            &config.path,
            config.verify,
            first_seq(now_us),
            wanted,
        )?;
        let troubles = Troubles::default();
        let inner = Self::start(config, clock, disk, lock, identity, recovered, troubles)?;
        let state = inner.shared.state.read();
        let bounds = state.bounds();
        info!(
            path = %inner.shared.config.path.display(),
            %identity,
            first = bounds.first,
            last = bounds.last,
            segments = state.sealed.len() + 1,
            verify = ?inner.shared.config.verify,
            seconds = began.elapsed().as_secs_f64(),
            "opened the log"
        );
        drop(state);
        Ok(inner)
    }

    /// Starts the threads of a folder that was read.
    pub(crate) fn start(
        config: EmbeddedConfig,
        clock: Arc<dyn Clock>,
        disk: Arc<dyn Disk>,
        lock: Arc<Lock>,
        identity: LogIdentity,
        recovered: Recovered,
        troubles: Troubles,
    ) -> Result<Self, OpenError> {
        let Recovered {
            sealed,
            active,
            file,
            then,
            trouble,
        } = recovered;
        let mut state = State::new(sealed, active, config.tail_bytes);
        if then == Then::BeginNext {
            state.finish();
        }
        let path = config.path.clone();
        let mut inner = Self {
            shared: Arc::new(Shared::new(config, clock, disk, identity, state, troubles)),
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
            .spawn("fanjet-log", move || {
                let _end = AbandonQueue(shared);
                writer.run();
            })
            .map_err(OpenError::io("start a thread for", &path))?;
        let (shared, wake) = (Arc::clone(&inner.shared), Arc::clone(&inner.wake));
        // Start it here, not when the thread is first scheduled.
        let age = retention::begin(&shared);
        inner
            .spawn("fanjet-log-age", move || {
                retention::run(&shared, &lock, &wake, age)
            })
            .map_err(OpenError::io("start a thread for", &path))?;
        Ok(inner)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
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
            // A panicked thread has reported itself.
            drop(thread.join());
        }
    }
}

/// Fails everything that waits for the writer, even after a panic.
struct AbandonQueue(Arc<Shared>);

impl Drop for AbandonQueue {
    fn drop(&mut self) {
        self.0.queue.abandon();
    }
}
