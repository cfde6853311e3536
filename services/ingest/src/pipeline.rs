//! The wiring: frames -> drafts -> sequenced events -> log.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use fanjet_event::TimeUs;
use fanjet_log::EventLog;
use fanjet_runtime::Clock;
use futures::{FutureExt, Stream, StreamExt};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::IngestError;
use crate::batch::{FrameBatch, Numbering, Rewind};
use crate::bookmark::{Bookmark, PendingBookmarks};
use crate::decode::{Decoded, decode_in_order};
use crate::filter::IngestFilter;
use crate::freshness::Freshness;
use crate::known_events::KnownEvents;
use crate::labels::Notice;
use crate::metrics::IngestMetrics;
use crate::publisher::Publisher;
use crate::read_position::Reached;
use crate::resume::patiently;
use crate::sequencer::{Ahead, AheadChange, Sequencer};
use crate::status::Status;
use crate::validate::UpstreamNotice;
use crate::verify::{self, Verifier};

/// The log gets no new events while more than this many bytes are unacknowledged: far more than are in flight at full
/// rate.
const MAX_UNACKED_BYTES: usize = 64 << 20;

/// Everything after the upstream connection.
pub(crate) struct Pipeline {
    pub(crate) sequencer: Sequencer,
    pub(crate) ahead: Ahead,
    pub(crate) publisher: Publisher,
    pub(crate) bookkeeper: PendingBookmarks,
    /// The identity of the log.
    pub(crate) log_id: String,
    pub(crate) log: Arc<dyn EventLog>,
    /// How many of the log's newest events are indexed when ingest switches to another upstream.
    pub(crate) remembered_events: usize,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) freshness: Freshness,
    pub(crate) metrics: IngestMetrics,
    pub(crate) status: Status,
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
        while let Some(batch) = self.next_drafts(&mut decoded).await? {
            let Decoded {
                numbering,
                rewind,
                reached,
                times,
                drafts,
            } = batch;
            match rewind {
                Rewind::None => {}
                Rewind::IntoLog => self.compare(&numbering).await?,
                Rewind::BehindLoss => self.sequencer.novelty().count_no_more(),
                Rewind::BeforeBeginning(time) => self.sequencer.novelty().skip_before(time),
            }
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
            if self.publisher.unacked_bytes() > MAX_UNACKED_BYTES {
                self.publisher.flush().await?;
            }
            if !sequenced.events.is_empty() {
                self.publisher.append(sequenced.events, &times).await?;
            }
            if let Some(reached) = reached {
                self.record(&numbering, reached);
            }
        }
        self.publisher.flush().await?;
        self.bookkeeper.settle(self.publisher.acked());
        Ok(())
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

    /// Switches to another upstream: finds out which of its events the log already contains.
    async fn compare(&mut self, numbering: &Numbering) -> Result<(), IngestError> {
        self.publisher.flush().await?;
        // Otherwise a log that is shorter than expected would count as a lagging one forever.
        self.publisher.confirm_end().await?;
        let (log, last) = (&*self.log, self.publisher.acked());
        let read = || KnownEvents::read(log, last, self.remembered_events).boxed();
        let held = patiently(&self.status, read).await?;
        self.sequencer.novelty().compare(numbering, held);
        Ok(())
    }

    /// Returns the next drafts. While there is none, waits for acknowledgements, so that a failure after the last event
    /// of a burst is noticed before the next burst.
    async fn next_drafts(
        &mut self,
        decoded: &mut (impl Stream<Item = Decoded> + Unpin),
    ) -> Result<Option<Decoded>, IngestError> {
        if let Some(ready) = decoded.next().now_or_never() {
            return Ok(ready);
        }
        if self.publisher.unacked() > 0 {
            self.publisher.flush().await?;
            self.bookkeeper.settle(self.publisher.acked());
        }
        Ok(decoded.next().await)
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
