//! The wiring: frames -> drafts -> sequenced events -> log.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use fanjet_runtime::Clock;
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::IngestError;
use crate::batch::FrameBatch;
use crate::decode::{Decoded, decode_in_order};
use crate::filter::IngestFilter;
use crate::freshness::Freshness;
use crate::labels::Notice;
use crate::log_writer::LogWriter;
use crate::metrics::IngestMetrics;
use crate::sequencer::{Ahead, AheadChange, Sequencer};
use crate::validate::UpstreamNotice;
use crate::verify::{self, Verifier};

/// Everything after the upstream connection.
pub(crate) struct Pipeline {
    pub(crate) sequencer: Sequencer,
    pub(crate) ahead: Ahead,
    pub(crate) writer: LogWriter,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) freshness: Freshness,
    pub(crate) metrics: IngestMetrics,
    pub(crate) filter: Arc<IngestFilter>,
    pub(crate) decode_workers: usize,
    /// `None` when verification is off.
    pub(crate) verifier: Option<Arc<Verifier>>,
}

impl Pipeline {
    /// Runs until the upstream side closes `batches` and everything it sent is acknowledged.
    ///
    /// # Errors
    /// [`IngestError`] when continuing cannot help. Unacknowledged events need no handling: they are requested from the
    /// upstream again.
    pub(crate) async fn run(
        mut self,
        batches: mpsc::Receiver<FrameBatch>,
    ) -> Result<(), IngestError> {
        let arriving = futures::stream::unfold(batches, async |mut batches| {
            let batch = batches.recv().await?;
            Some((batch, batches))
        });
        let authentic = verify::in_order(arriving, self.verifier.take());
        let mut decoded = pin!(decode_in_order(
            authentic,
            Arc::clone(&self.filter),
            self.decode_workers
        ));
        while let Some(batch) = self.writer.next(&mut decoded).await? {
            let Decoded {
                numbering,
                rewind,
                reached,
                times,
                drafts,
            } = batch;
            let novelty = self.sequencer.novelty();
            self.writer.rewind(rewind, &numbering, novelty).await?;
            let upstream = &numbering.upstream;
            self.freshness.flowed(upstream, drafts.events.len());
            self.metrics.dropped(&drafts.drops);
            self.metrics.filtered(drafts.filtered);
            self.note(&drafts.notices);
            let now_us = self.clock.now_us();
            let sequenced = self.sequencer.sequence(drafts, &numbering, now_us);
            self.compare_with_clock(sequenced.events.len(), now_us);
            self.metrics.repeated(sequenced.repeated);
            self.metrics.skipped(&sequenced.skipped);
            if !sequenced.skipped.is_empty() {
                let (events, upstream) = (sequenced.skipped.len(), numbering.upstream.as_str());
                warn!(
                    events,
                    upstream, "skipped events that arrived too late to be logged"
                );
            }
            self.metrics.gaps(&numbering.upstream, sequenced.gaps);
            self.writer.append(sequenced.events, &times).await?;
            if let Some(reached) = reached {
                let log_time = self.sequencer.last_time();
                self.writer.record(&numbering, reached, log_time);
            }
        }
        self.writer.finish().await
    }

    /// Reports when events are stamped with times in the future.
    fn compare_with_clock(&mut self, events: usize, now_us: u64) {
        let (by_us, news) = self.ahead.observe(self.sequencer.last_time(), now_us);
        self.metrics
            .stamped_ahead(events, Duration::from_micros(by_us));
        let by_seconds = by_us / 1_000_000;
        match news {
            None => {}
            Some(AheadChange::Began) => warn!(
                by_seconds,
                "log times run ahead of the clock, which is or was wrong: stamping events one microsecond apart until the clock catches up"
            ),
            Some(AheadChange::Ended) => info!("the clock has caught up with the log times"),
        }
    }

    fn note(&self, notices: &[UpstreamNotice]) {
        for notice in notices {
            match notice {
                UpstreamNotice::Info(name, message) => {
                    warn!(name, said = message, "info frame from the upstream");
                    let is_outdated = name == "OutdatedCursor";
                    self.metrics.noticed(if is_outdated {
                        Notice::OutdatedCursor
                    } else {
                        Notice::OtherInfo
                    });
                }
                UpstreamNotice::Error(error, message) => {
                    warn!(error, said = message, "error frame from the upstream");
                    self.metrics.noticed(match error.as_str() {
                        "FutureCursor" => Notice::FutureCursor,
                        "ConsumerTooSlow" => Notice::ConsumerTooSlow,
                        "" => Notice::NamelessError,
                        _ => Notice::OtherError,
                    });
                }
            }
        }
    }
}
