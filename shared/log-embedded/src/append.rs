//! One writer of the log: it encodes, the writer thread writes.
//!
//! The seqs are known when encoding: an event that would not get the seq it was encoded with is fenced, and so is
//! everything behind it. This fences the whole pipeline.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use fanjet_log::{AppendError, Appender, NewEvent, Seq};
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::format::record;
use crate::inner::Inner;
use crate::queue::{Chunk, Progress};

/// Events and bytes of one chunk: bounds the work between two waits.
const CHUNK_EVENTS: usize = 512;
const CHUNK_BYTES: usize = 256 << 10;

pub(crate) struct EmbeddedAppender {
    log: Arc<Inner>,
    progress: Arc<watch::Sender<Progress>>,
    changes: watch::Receiver<Progress>,
    queued: Seq,
    is_finished: bool,
}

impl fmt::Debug for EmbeddedAppender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedAppender")
            .field("queued", &self.queued)
            .finish_non_exhaustive()
    }
}

impl EmbeddedAppender {
    pub(crate) fn new(log: Arc<Inner>, after: Seq) -> Self {
        let (progress, changes) = watch::channel(Progress {
            acked: after,
            failure: None,
        });
        Self {
            log,
            progress: Arc::new(progress),
            changes,
            queued: after,
            is_finished: false,
        }
    }

    async fn queue_all(&mut self, events: &[NewEvent]) -> Result<(), AppendError> {
        let mut rest = events;
        while !rest.is_empty() {
            let (chunk, behind) = rest.split_at(chunk_len(rest));
            // If an event is rejected, the events before it are still written.
            let fitting = chunk.iter().position(|event| check(event).is_err());
            self.queue(&chunk[..fitting.unwrap_or(chunk.len())]).await?;
            if let Some(refused) = fitting {
                check(&chunk[refused])?;
            }
            rest = behind;
        }
        self.check_progress()
    }

    async fn queue(&mut self, events: &[NewEvent]) -> Result<(), AppendError> {
        if events.is_empty() {
            return Ok(());
        }
        self.wait_for_window(events.len()).await?;
        let bytes = events.iter().map(record::len).sum();
        // Before they take memory.
        let window = self.log.shared.queue.room(bytes).await?;
        let mut frames = Vec::with_capacity(bytes);
        let first = self.queued + 1;
        for (event, seq) in events.iter().zip(first..) {
            let time = event.time().ok_or_else(not_an_event)?;
            record::write(&mut frames, seq, time, event);
        }
        let last = self.queued + events.len() as Seq;
        self.push(frames, last, window);
        Ok(())
    }

    /// Writes encoded frames that account for every seq behind the last one up to `last`, and waits until readers see them.
    pub(crate) async fn write(&mut self, frames: Vec<u8>, last: Seq) -> Result<(), AppendError> {
        self.check_unfinished()?;
        let window = self.log.shared.queue.room(frames.len()).await?;
        self.push(frames, last, window);
        self.flush().await.map(drop)
    }

    fn push(&mut self, frames: Vec<u8>, last: Seq, window: OwnedSemaphorePermit) {
        self.log.shared.queue.push(Chunk {
            first: self.queued + 1,
            last,
            frames,
            progress: Arc::clone(&self.progress),
            _window: window,
        });
        self.queued = last;
    }

    /// Waits until `count` more events fit into the window, or nothing is in flight.
    async fn wait_for_window(&mut self, count: usize) -> Result<(), AppendError> {
        let window = self.log.shared.config.window_events as u64;
        let wanted = (self.queued + count as u64).saturating_sub(window);
        self.wait_until_acked(wanted.min(self.queued)).await
    }

    async fn wait_until_acked(&mut self, seq: Seq) -> Result<(), AppendError> {
        loop {
            {
                let progress = self.changes.borrow_and_update();
                if let Some(failure) = &progress.failure {
                    return Err(failure.clone().into());
                }
                if progress.acked >= seq {
                    return Ok(());
                }
            }
            self.changes
                .changed()
                .await
                .map_err(|_| AppendError::unavailable("the log is closed"))?;
        }
    }

    fn check_progress(&self) -> Result<(), AppendError> {
        match &self.progress.borrow().failure {
            Some(failure) => Err(failure.clone().into()),
            None => Ok(()),
        }
    }

    fn check_unfinished(&self) -> Result<(), AppendError> {
        if self.is_finished {
            return Err(AppendError::unavailable("the appender is finished"));
        }
        Ok(())
    }
}

#[async_trait]
impl Appender for EmbeddedAppender {
    async fn append(&mut self, events: &[NewEvent]) -> Result<(), AppendError> {
        self.check_unfinished()?;
        let outcome = self.queue_all(events).await;
        self.is_finished = outcome.is_err();
        outcome
    }

    async fn flush(&mut self) -> Result<Seq, AppendError> {
        self.check_unfinished()?;
        let outcome = self.wait_until_acked(self.queued).await;
        self.is_finished = outcome.is_err();
        outcome.map(|()| self.queued)
    }

    fn acked(&self) -> Seq {
        self.progress.borrow().acked
    }
}

/// How many events go into the next chunk.
fn chunk_len(events: &[NewEvent]) -> usize {
    let mut bytes = 0;
    let fitting = events.iter().take(CHUNK_EVENTS).take_while(|event| {
        bytes += event.body.len();
        bytes <= CHUNK_BYTES
    });
    fitting.count().max(1)
}

/// Whether the log can store the event.
fn check(event: &NewEvent) -> Result<(), AppendError> {
    event.check_size()?;
    event.time().map(drop).ok_or_else(not_an_event)
}

fn not_an_event() -> AppendError {
    AppendError::Refused("its body does not start like an event".to_owned())
}
