//! The wiring: frames -> drafts -> sequenced events -> log.

use std::pin::pin;
use std::sync::Arc;

use fanjet_actors::Clock;
use futures::{FutureExt, Stream, StreamExt};
use tokio::sync::mpsc;
use tracing::warn;

use crate::IngestError;
use crate::decode::{Decoded, FrameBatch, decode_in_order};
use crate::filter::IngestFilter;
use crate::gate::UpstreamNotice;
use crate::metrics::{IngestMetrics, Notice};
use crate::publisher::Publisher;
use crate::sequencer::Sequencer;
use crate::verify::{self, Verifier};

/// Everything behind the upstream connection.
pub(crate) struct Pipeline {
    pub(crate) sequencer: Sequencer,
    pub(crate) publisher: Publisher,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: IngestMetrics,
    pub(crate) filter: Arc<IngestFilter>,
    pub(crate) decode_workers: usize,
    /// `None` when nothing is verified.
    pub(crate) verifier: Option<Arc<Verifier>>,
}

impl Pipeline {
    /// Runs until the upstream side ends `batches`, and everything it sent is acknowledged.
    ///
    /// # Errors
    /// [`IngestError`] when going on cannot help. How much was then unacknowledged does not matter: the upstream is
    /// asked again.
    pub(crate) async fn run(
        mut self,
        batches: mpsc::Receiver<FrameBatch>,
    ) -> Result<(), IngestError> {
        let arriving = futures::stream::unfold(batches, async |mut batches| {
            let batch = batches.recv().await?;
            Some((batch, batches))
        });
        let believed = verify::in_order(arriving, self.verifier.take());
        let mut decoded = pin!(decode_in_order(
            believed,
            Arc::clone(&self.filter),
            self.decode_workers
        ));
        while let Some(batch) = self.next_drafts(&mut decoded).await? {
            let Decoded {
                numbering,
                is_rewound,
                drafts,
            } = batch;
            self.metrics.dropped(&drafts.drops);
            self.metrics.filtered(drafts.filtered);
            self.note(&drafts.notices);
            let now_us = self.clock.now_us();
            let sequenced = self
                .sequencer
                .sequence(drafts, &numbering, is_rewound, now_us);
            self.metrics.repeated(sequenced.repeated);
            self.metrics.gaps(&numbering.upstream, sequenced.gaps);
            if !sequenced.events.is_empty() {
                self.publisher.append(sequenced.events).await?;
            }
        }
        self.publisher.flush().await
    }

    /// The next drafts. While there are none, acknowledgements are waited for, so that a failure behind the last
    /// event of a burst is found without the next burst.
    async fn next_drafts(
        &mut self,
        decoded: &mut (impl Stream<Item = Decoded> + Unpin),
    ) -> Result<Option<Decoded>, IngestError> {
        if let Some(ready) = decoded.next().now_or_never() {
            return Ok(ready);
        }
        if self.publisher.unacked() > 0 {
            self.publisher.flush().await?;
        }
        Ok(decoded.next().await)
    }

    fn note(&self, notices: &[UpstreamNotice]) {
        for notice in notices {
            match notice {
                UpstreamNotice::Info(name, message) => {
                    warn!(name, message, "the upstream informs");
                    let is_outdated = name == "OutdatedCursor";
                    self.metrics.noticed(if is_outdated {
                        Notice::OutdatedCursor
                    } else {
                        Notice::OtherInfo
                    });
                }
                UpstreamNotice::Error(error, message) => {
                    warn!(error, message, "the upstream reports an error");
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
