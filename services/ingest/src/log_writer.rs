//! The end of a pipeline: what is in order goes to a log, and the upstream position is recorded once the log has everything
//! before it.
//!
//! The log of events and the raw log have one each. It knows nothing of what it writes.

use std::sync::Arc;

use fanjet_event::TimeUs;
use fanjet_log::{EventLog, NewEvent};
use futures::{FutureExt, Stream, StreamExt};
use tokio::sync::watch;

use crate::IngestError;
use crate::batch::{BatchTimes, Numbering, Rewind};
use crate::bookmark::{Bookmark, PendingBookmarks};
use crate::known_events::KnownEvents;
use crate::novelty::Novelty;
use crate::publisher::{Publisher, PublisherContext};
use crate::read_position::Reached;
use crate::resume::{Resume, patiently};
use crate::status::Status;

/// The log gets nothing new while more than this many bytes are unacknowledged: far more than are in flight at full rate.
const MAX_UNACKED_BYTES: usize = 64 << 20;

/// Writes one log for one term.
pub(crate) struct LogWriter {
    publisher: Publisher,
    bookkeeper: PendingBookmarks,
    /// The identity of the log.
    log_id: String,
    log: Arc<dyn EventLog>,
    /// How many of the log's newest entries are indexed when ingest switches to another upstream.
    remembered: usize,
    status: Status,
}

impl LogWriter {
    /// Continues after the log's end.
    pub(crate) fn continuing(
        resume: &Resume,
        context: PublisherContext,
        remembered: usize,
    ) -> Self {
        Self {
            log: Arc::clone(&context.log),
            status: context.status.clone(),
            publisher: Publisher::continuing(resume, context),
            bookkeeper: PendingBookmarks::new(),
            log_id: resume.log.clone(),
            remembered,
        }
    }

    /// The positions to be saved.
    pub(crate) fn settled(&self) -> watch::Receiver<Option<Bookmark>> {
        self.bookkeeper.settled()
    }

    /// Prepares `novelty` for a batch that may repeat what the log contains, or comes after a loss.
    pub(crate) async fn rewind(
        &mut self,
        rewind: Rewind,
        numbering: &Numbering,
        novelty: &mut Novelty,
    ) -> Result<(), IngestError> {
        match rewind {
            Rewind::None => {}
            Rewind::IntoLog => {
                let known = self.known().await?;
                novelty.compare(numbering, known);
            }
            Rewind::BehindLoss => novelty.count_no_more(),
            Rewind::BeforeBeginning(time) => novelty.skip_before(time),
        }
        Ok(())
    }

    /// After a switch to another upstream: what the log contains.
    async fn known(&mut self) -> Result<KnownEvents, IngestError> {
        self.publisher.flush().await?;
        // Otherwise a log that is shorter than expected would count as a lagging one forever.
        self.publisher.confirm_end().await?;
        let (log, last) = (&*self.log, self.publisher.acked());
        let read = || KnownEvents::read(log, last, self.remembered).boxed();
        Ok(patiently(&self.status, read).await?)
    }

    /// Appends. Waits for acknowledgements first while too much has none.
    pub(crate) async fn append(
        &mut self,
        events: Vec<NewEvent>,
        times: &BatchTimes,
    ) -> Result<(), IngestError> {
        if self.publisher.unacked_bytes() > MAX_UNACKED_BYTES {
            self.publisher.flush().await?;
        }
        if !events.is_empty() {
            self.publisher.append(events, times).await?;
        }
        Ok(())
    }

    /// Remembers the upstream position, to be recorded once the log has acknowledged everything before it.
    pub(crate) fn record(
        &mut self,
        numbering: &Numbering,
        reached: Reached,
        log_time: Option<TimeUs>,
    ) {
        let (relay_seq, time) = match reached {
            Reached::Frame { seq, time } => (Some(seq), time),
            Reached::Nothing { since } => (None, since),
        };
        let bookmark = Bookmark {
            log: self.log_id.clone(),
            end: self.publisher.given(),
            log_time_us: log_time.map(TimeUs::get),
            upstream: numbering.upstream.as_str().to_owned(),
            relay_seq,
            time_us: time.micros(),
        };
        self.bookkeeper.note(bookmark, self.publisher.acked());
    }

    /// The next of `batches`. While there is none, waits for acknowledgements, so that a failure after the last entry of a burst
    /// is noticed before the next burst.
    pub(crate) async fn next<T>(
        &mut self,
        batches: &mut (impl Stream<Item = T> + Unpin),
    ) -> Result<Option<T>, IngestError> {
        if let Some(ready) = batches.next().now_or_never() {
            return Ok(ready);
        }
        if self.publisher.unacked() > 0 {
            self.finish().await?;
        }
        Ok(batches.next().await)
    }

    /// Waits until everything is acknowledged.
    pub(crate) async fn finish(&mut self) -> Result<(), IngestError> {
        self.publisher.flush().await?;
        self.bookkeeper.settle(self.publisher.acked());
        Ok(())
    }
}
