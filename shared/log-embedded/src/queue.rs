//! The queue from the appenders to the writer. Bounded by the window: every chunk holds its share until it is done.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use fanjet_log::{AppendError, Seq};
use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Bytes that the writer takes at once.
const GROUP_BYTES: usize = 8 << 20;

/// Consecutive encoded events of one appender.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The seq that the first event must get.
    pub(crate) first: Seq,
    /// The seq of the last event.
    pub(crate) last: Seq,
    /// Record frames.
    pub(crate) frames: Vec<u8>,
    /// Receives the result.
    pub(crate) progress: Arc<watch::Sender<Progress>>,
    /// Its share of the window.
    pub(crate) _window: OwnedSemaphorePermit,
}

/// The result of an appender's events.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    /// Everything up to here is durable.
    pub(crate) acked: Seq,
    /// Why no later event will be.
    pub(crate) failure: Option<Failure>,
}

/// Why an appender is finished.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The log ends elsewhere.
    Fenced {
        /// Where the appender expected the end.
        expected: Seq,
    },
    /// The disk failed.
    Io(Arc<io::Error>),
}

impl Chunk {
    /// Reports that no later event of this appender will be written.
    pub(crate) fn fail(&self, failure: Failure) {
        self.progress
            .send_modify(|progress| progress.failure = Some(failure));
    }

    /// Whether an earlier chunk of the same appender failed.
    pub(crate) fn is_finished(&self) -> bool {
        self.progress.borrow().failure.is_some()
    }
}

impl Drop for Chunk {
    /// A chunk that is dropped for any reason reports a failure, so that no appender waits forever.
    fn drop(&mut self) {
        let is_done = {
            let progress = self.progress.borrow();
            progress.failure.is_some() || progress.acked >= self.last
        };
        if !is_done {
            self.fail(Failure::Io(Arc::new(io::ErrorKind::BrokenPipe.into())));
        }
    }
}

impl From<Failure> for AppendError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fenced { expected } => Self::Fenced { expected },
            Failure::Io(error) => Self::unavailable(error),
        }
    }
}

/// The writer's next work.
#[derive(Debug)]
pub(crate) struct Work {
    /// In the order of arrival.
    pub(crate) chunks: Vec<Chunk>,
    /// Whether to start a new segment.
    pub(crate) roll: bool,
}

#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    window: Arc<Semaphore>,
    window_bytes: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    roll: bool,
    is_closed: bool,
}

impl Queue {
    pub(crate) fn new(window_bytes: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            window: Arc::new(Semaphore::new(window_bytes)),
            window_bytes,
        }
    }

    /// Waits for room for `bytes`; more than the whole window takes all of it.
    pub(crate) async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, AppendError> {
        let share = u32::try_from(bytes.min(self.window_bytes)).unwrap_or(u32::MAX);
        Arc::clone(&self.window)
            .acquire_many_owned(share)
            .await
            .map_err(|_| AppendError::unavailable("the log is closed"))
    }

    /// Queues a chunk. A closed queue drops it, which fails it.
    pub(crate) fn push(&self, chunk: Chunk) {
        let mut waiting = self.waiting.lock();
        if waiting.is_closed {
            return;
        }
        waiting.bytes += chunk.frames.len();
        waiting.chunks.push_back(chunk);
        drop(waiting);
        self.changed.notify_one();
    }

    /// Requests a new segment.
    pub(crate) fn roll(&self) {
        self.waiting.lock().roll = true;
        self.changed.notify_one();
    }

    /// Ends the writer when it has done everything.
    pub(crate) fn close(&self) {
        self.waiting.lock().is_closed = true;
        self.window.close();
        self.changed.notify_one();
    }

    /// Drops the remaining chunks when the writer has ended, for any reason.
    pub(crate) fn abandon(&self) {
        self.close();
        let left = std::mem::take(&mut self.waiting.lock().chunks);
        drop(left);
    }

    /// Waits for work. With a time, not before it, unless half of the window is used. `None` when the queue is closed
    /// and empty.
    pub(crate) fn take(&self, not_before: Option<Instant>) -> Option<Work> {
        let mut waiting = self.waiting.lock();
        loop {
            if waiting.chunks.is_empty() && !waiting.roll {
                if waiting.is_closed {
                    return None;
                }
                self.changed.wait(&mut waiting);
                continue;
            }
            let is_pressing = waiting.is_closed || waiting.bytes >= self.window_bytes / 2;
            let Some(until) = not_before.filter(|_| !is_pressing) else {
                break;
            };
            if self.changed.wait_until(&mut waiting, until).timed_out() {
                break;
            }
        }
        let mut chunks = Vec::new();
        let mut bytes = 0;
        while bytes < GROUP_BYTES
            && let Some(chunk) = waiting.chunks.pop_front()
        {
            bytes += chunk.frames.len();
            chunks.push(chunk);
        }
        waiting.bytes -= bytes;
        Some(Work {
            chunks,
            roll: std::mem::take(&mut waiting.roll),
        })
    }
}
