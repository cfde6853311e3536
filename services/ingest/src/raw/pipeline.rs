//! The wiring of the raw log: frames -> stamped frames -> log.

use std::pin::pin;
use std::sync::Arc;

use fanjet_runtime::Clock;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{info, warn};

use super::frames::{FrameSequencer, SequencedFrames};
use crate::IngestError;
use crate::batch::{BatchTimes, FrameBatch, Numbering};
use crate::log_writer::LogWriter;
use crate::metrics::IngestMetrics;
use crate::verify::{self, Verifier};

/// Everything after the upstream connection.
pub(super) struct RawPipeline {
    pub(super) sequencer: FrameSequencer,
    pub(super) writer: LogWriter,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: IngestMetrics,
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
        while let Some(batch) = self.writer.next(&mut authentic).await? {
            self.take(batch).await?;
        }
        self.writer.finish().await
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
        let novelty = self.sequencer.novelty();
        self.writer.rewind(rewind, &numbering, novelty).await?;
        let decoding = Instant::now();
        let now_us = self.clock.now_us();
        let sequenced = self.sequencer.sequence(&frames, &numbering, now_us);
        self.count(&sequenced, &numbering);
        let times = BatchTimes {
            arrived,
            decoding,
            decoded: Instant::now(),
        };
        self.writer.append(sequenced.frames, &times).await?;
        if let Some(reached) = reached {
            let log_time = self.sequencer.last_time();
            self.writer.record(&numbering, reached, log_time);
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
}
