//! The wiring of the raw log: frames -> stamped frames -> log.

use std::pin::pin;
use std::sync::Arc;

use fanjet_event::TimeUs;
use fanjet_log::EventLog;
use fanjet_runtime::Clock;
use futures::{FutureExt, Stream, StreamExt};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{info, warn};

use super::frames::{FrameSequencer, SequencedFrames};
use crate::IngestError;
use crate::batch::{BatchTimes, FrameBatch, Numbering, Rewind};
use crate::bookmark::{Bookmark, PendingBookmarks};
use crate::known_events::KnownEvents;
use crate::metrics::IngestMetrics;
use crate::publisher::Publisher;
use crate::read_position::Reached;
use crate::resume::patiently;
use crate::status::Status;
use crate::verify::{self, Verifier};

/// The log gets no new frames while more than this many bytes are unacknowledged.
const MAX_UNACKED_BYTES: usize = 64 << 20;

/// Everything after the upstream connection.
pub(super) struct RawPipeline {
    pub(super) sequencer: FrameSequencer,
    pub(super) publisher: Publisher,
    pub(super) bookkeeper: PendingBookmarks,
    /// The identity of the log.
    pub(super) log_id: String,
    pub(super) log: Arc<dyn EventLog>,
    pub(super) remembered_frames: usize,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: IngestMetrics,
    pub(super) status: Status,
    /// `None` when verification is off.
    pub(super) verifier: Option<Arc<Verifier>>,
    /// Whether the last frames got another seq than the upstream's.
    pub(super) is_renumbering: bool,
}

impl RawPipeline {
    /// Runs until the upstream side closes `batches` and everything it sent is acknowledged.
    ///
    /// # Errors
    /// [`IngestError`] when continuing cannot help.
    pub(super) async fn run(
        mut self,
        batches: mpsc::Receiver<FrameBatch>,
    ) -> Result<(), IngestError> {
        let arriving = futures::stream::unfold(batches, async |mut batches| {
            let batch = batches.recv().await?;
            Some((batch, batches))
        });
        let mut authentic = pin!(verify::in_order(arriving, self.verifier.take()));
        while let Some(batch) = self.next_batch(&mut authentic).await? {
            self.take(batch).await?;
        }
        self.publisher.flush().await?;
        self.bookkeeper.settle(self.publisher.acked());
        Ok(())
    }

    async fn take(&mut self, batch: FrameBatch) -> Result<(), IngestError> {
        let FrameBatch {
            numbering,
            rewind,
            reached,
            arrived,
            frames,
            // Kept until the frames have been handed on.
            share: _share,
        } = batch;
        match rewind {
            Rewind::None => {}
            Rewind::IntoLog => self.compare(&numbering).await?,
            Rewind::BehindLoss => self.sequencer.novelty().count_no_more(),
            Rewind::BeforeBeginning(time) => self.sequencer.novelty().skip_before(time),
        }
        let decoding = Instant::now();
        let now_us = self.clock.now_us();
        let sequenced = self.sequencer.sequence(&frames, &numbering, now_us);
        self.count(&sequenced, &numbering);
        if self.publisher.unacked_bytes() > MAX_UNACKED_BYTES {
            self.publisher.flush().await?;
        }
        if !sequenced.frames.is_empty() {
            let times = BatchTimes {
                arrived,
                decoding,
                decoded: Instant::now(),
            };
            self.publisher.append(sequenced.frames, &times).await?;
        }
        if let Some(reached) = reached {
            self.record(&numbering, reached);
        }
        Ok(())
    }

    fn count(&mut self, sequenced: &SequencedFrames, numbering: &Numbering) {
        self.metrics.dropped(&sequenced.drops);
        self.metrics.repeated(sequenced.repeated);
        self.metrics.skipped(&sequenced.skipped);
        self.metrics.gaps(&numbering.upstream, sequenced.gaps);
        self.metrics.wire_seqs_changed(sequenced.renumbered);
        let upstream = numbering.upstream.as_str();
        if !sequenced.skipped.is_empty() {
            let frames = sequenced.skipped.len();
            warn!(
                frames,
                upstream, "skipped raw frames that arrived too late to be logged"
            );
        }
        let is_renumbering = sequenced.renumbered > 0;
        if sequenced.frames.is_empty() || is_renumbering == self.is_renumbering {
            return;
        }
        self.is_renumbering = is_renumbering;
        if is_renumbering {
            warn!(
                upstream,
                "the upstream's seqs are below those of the raw log, numbering its frames on until they rise above"
            );
        } else {
            info!(upstream, "raw frames have the upstream's seqs again");
        }
    }

    /// Switches to another upstream: finds out which of its frames the log already contains.
    async fn compare(&mut self, numbering: &Numbering) -> Result<(), IngestError> {
        self.publisher.flush().await?;
        // Otherwise a log that is shorter than expected would count as a lagging one forever.
        self.publisher.confirm_end().await?;
        let (log, last) = (&*self.log, self.publisher.acked());
        let read = || KnownEvents::read(log, last, self.remembered_frames).boxed();
        let known = patiently(&self.status, read).await?;
        self.sequencer.novelty().compare(numbering, known);
        Ok(())
    }

    /// Remembers the upstream position, to be recorded once the log has acknowledged everything before it.
    fn record(&mut self, numbering: &Numbering, reached: Reached) {
        let (relay_seq, time) = match reached {
            Reached::Frame { seq, time } => (Some(seq), time),
            Reached::Nothing { since } => (None, since),
        };
        let bookmark = Bookmark {
            log: self.log_id.clone(),
            end: self.publisher.given(),
            log_time_us: self.sequencer.last_time().map(TimeUs::get),
            upstream: numbering.upstream.as_str().to_owned(),
            relay_seq,
            time_us: time.micros(),
        };
        self.bookkeeper.note(bookmark, self.publisher.acked());
    }

    /// Returns the next batch. While there is none, waits for acknowledgements.
    async fn next_batch(
        &mut self,
        batches: &mut (impl Stream<Item = FrameBatch> + Unpin),
    ) -> Result<Option<FrameBatch>, IngestError> {
        if let Some(ready) = batches.next().now_or_never() {
            return Ok(ready);
        }
        if self.publisher.unacked() > 0 {
            self.publisher.flush().await?;
            self.bookkeeper.settle(self.publisher.acked());
        }
        Ok(batches.next().await)
    }
}
