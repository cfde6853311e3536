//! One firehose connection at a time: reads binary frames, keeps the connection alive, reconnects forever, and switches
//! to another upstream while one fails.
//!
//! This module looks at nothing in a frame except its seq and time. An upstream that is down, wrong or hostile is
//! retried with growing pauses; it never ends the process.

mod failover;
mod continuity;
mod search;
mod position;

mod ended;
mod connect;
mod connection;
mod begin;
mod first;

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::UpstreamId;
use fanjet_runtime::{Backoff, Clock, Stop};
use fanjet_websocket::{Dial, Tcp};
use futures::future::BoxFuture;
use futures::{FutureExt, future};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{info, warn};

use crate::IngestError;
use crate::batch::{FrameBatch, Rewind, Share};
use crate::config::{Endpoint, PipelineConfig, UpstreamConfig};
use crate::labels::Reason;
use crate::metrics::IngestMetrics;
use crate::queue::BatchSender;
use crate::resume::Resume;
use crate::status::Status;
use begin::Opened;
use connect::Connector;
pub(crate) use connection::Connection;
pub(crate) use ended::Ended;
use failover::{Decision, Failover, Rules};
use position::{Begin, First, Run, UpstreamPositions};

/// An upstream that rejects the cursor as a future one this many times in a row has restarted its sequence: a lagging
/// replica behind the same name would have caught up, or another one would have responded.
const FUTURE_CURSORS: u32 = 3;

/// Reads upstreams for the life of the process.
pub(crate) struct Upstream {
    endpoints: Vec<Endpoint>,
    config: UpstreamConfig,
    connector: Connector,
    batch: PipelineConfig,
    positions: UpstreamPositions,
    failover: Failover,
    future_cursors: u32,
    backoff: Backoff,
    began: Instant,
    clock: Arc<dyn Clock>,
    metrics: IngestMetrics,
    status: Status,
}

/// Why reading one upstream ended without an error.
enum Left {
    /// The receiver of batches is gone.
    ReceiverGone,
    /// Another upstream is due.
    Switched,
    /// The upstream restarted its sequence and must be asked differently.
    Renumbered,
}

type Probe = BoxFuture<'static, (usize, bool)>;

impl Upstream {
    /// Continues after what the log contains.
    ///
    /// # Errors
    /// [`IngestError::Config`].
    pub(crate) fn continuing(
        resume: &Resume,
        config: UpstreamConfig,
        batch: PipelineConfig,
        clock: Arc<dyn Clock>,
        metrics: IngestMetrics,
        status: Status,
    ) -> Result<Self, IngestError> {
        let endpoints = config.endpoints()?;
        let rules = Rules {
            fail_after: config.fail_after,
            stale_after: config.stale_after,
            probe_interval: config.probe_interval,
            return_after: config.return_after,
        };
        let positions = UpstreamPositions::continuing(endpoints.iter().map(|end| &end.id), resume);
        // A leader that follows one that had to leave the preferred upstream need not find out why.
        let active = positions.current().unwrap_or_default();
        Ok(Self {
            failover: Failover::new(endpoints.len(), active, rules),
            positions,
            backoff: Backoff::new(config.reconnect_min, config.reconnect_max),
            began: Instant::now(),
            future_cursors: 0,
            endpoints,
            connector: Connector::new(config.clone(), Arc::new(Tcp)),
            config,
            batch,
            clock,
            metrics,
            status,
        })
    }

    /// Opens its connections with `dial`.
    #[must_use]
    pub(crate) fn dialing_with(mut self, dial: Arc<dyn Dial>) -> Self {
        self.connector = Connector::new(self.config.clone(), dial);
        self
    }

    /// Sends what is read to `batches` until `stop`, or until the receiver is gone. Waits while the queue is full, so
    /// that backpressure reaches the upstream.
    pub(crate) async fn run(mut self, batches: BatchSender, stop: Stop) {
        self.metrics.reading(self.failover.active());
        while !stop.is_cancelled() && !batches.is_closed() {
            let outcome = tokio::select! {
                () = stop.cancelled() => break,
                outcome = self.read_one(&batches) => outcome,
            };
            self.status.set_upstream_connected(false);
            self.metrics.connected(false);
            let pause = match outcome {
                Ok(Left::ReceiverGone) => break,
                Ok(Left::Switched | Left::Renumbered) => continue,
                Err(ended) => self.after_failure(&ended),
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Decides what follows the end of a connection: how long to wait, and whether to switch to another upstream.
    fn after_failure(&mut self, ended: &Ended) -> Duration {
        self.metrics.disconnected(ended.why);
        let now = self.began.elapsed();
        self.failover.failed(now);
        let pause = self.backoff.next_pause();
        warn!(
            upstream = self.active_id().as_str(),
            reason = ended.detail,
            ?pause,
            cursor = self.positions.cursor(self.failover.active()),
            "not connected to the upstream, retrying"
        );
        if let Decision::Use(_, reason) = self.failover.decide(now) {
            self.switched(reason);
            return Duration::ZERO;
        }
        // A pause must not delay a switch that is due within it.
        let until_look = self.failover.next_look().map(|at| at.saturating_sub(now));
        pause.min(until_look.unwrap_or(Duration::MAX))
    }

    async fn read_one(&mut self, batches: &BatchSender) -> Result<Left, Ended> {
        if let Decision::Use(_, reason) = self.failover.decide(self.began.elapsed()) {
            self.switched(reason);
        }
        let active = self.failover.active();
        let begin = self.positions.begin(active, self.config.overlap);
        let mut rewind = self.rewind(active, &begin);
        // If another upstream was read last, it may have delivered what is missing here.
        let shows_losses = matches!(begin, Begin::Behind(_));
        let is_live = matches!(begin, Begin::Live);
        let endpoint = &self.endpoints[active];
        let opening = begin::open(&self.connector, endpoint, begin, &self.config, &self.batch);
        let Some(opened) = opening.await? else {
            self.renumbered(active, "its newest seq is below the recorded position");
            self.positions.renumber(active);
            return Ok(Left::Renumbered);
        };
        let Opened {
            mut connection,
            frames,
            is_behind_known: mut is_unjudged,
            is_short,
        } = opened;
        info!(
            upstream = endpoint.id.as_str(),
            cursor = self.positions.cursor(active),
            ?rewind,
            "connected to the upstream"
        );
        if is_short && rewind == Rewind::IntoLog {
            self.metrics.history_was_short();
            warn!(
                upstream = endpoint.id.as_str(),
                "the upstream's history does not reach back to the log's end, events may be missing"
            );
        }
        self.failover.connected(self.began.elapsed());
        self.status.set_upstream_connected(true);
        self.metrics.connected(true);
        if is_live && self.begin_now(active, batches).await.is_err() {
            return Ok(Left::ReceiverGone);
        }
        let mut ready = Some(frames).filter(|frames| !frames.is_empty());
        let mut probe: Option<Probe> = None;
        loop {
            let frames = match ready.take() {
                Some(frames) => frames,
                None => match self.next_frames(&mut connection, &mut probe).await? {
                    Some(frames) => frames,
                    None => return Ok(Left::Switched),
                },
            };
            self.metrics
                .read(frames.len(), frames.iter().map(bytes::Bytes::len).sum());
            if is_unjudged
                && let Some(first) =
                    self.positions
                        .classify_first(active, &frames, self.config.overlap)
            {
                is_unjudged = false;
                match first {
                    First::Follows => {}
                    First::Renumbered => {
                        self.renumbered(active, "its first seq does not follow the cursor");
                        self.positions.renumber(active);
                        return Ok(Left::Renumbered);
                    }
                    First::Suspect(seq) => {
                        if shows_losses && self.has_lost(active, seq).await {
                            rewind = Rewind::BehindLoss;
                        }
                    }
                }
            }
            let arrived = Instant::now();
            let runs = self.take_notice(active, frames);
            self.skip(active, &mut connection, false);
            let newest = runs.len().saturating_sub(1);
            for (index, run) in runs.into_iter().enumerate() {
                let rewind = match std::mem::replace(&mut rewind, Rewind::None) {
                    Rewind::None | Rewind::BehindLoss if run.may_repeat => Rewind::IntoLog,
                    rewind => rewind,
                };
                let batch = FrameBatch {
                    numbering: run.numbering,
                    rewind,
                    // All of them are handed on with the last run only.
                    reached: self.positions.reached(active).filter(|_| index == newest),
                    arrived,
                    frames: run.frames,
                    share: Share::default(),
                };
                if batches.send(batch).await.is_err() {
                    return Ok(Left::ReceiverGone);
                }
            }
        }
    }

    /// Waits for frames, and runs whatever becomes due meanwhile. `None`: another upstream is due.
    async fn next_frames(
        &mut self,
        connection: &mut Connection,
        probe: &mut Option<Probe>,
    ) -> Result<Option<Vec<bytes::Bytes>>, Ended> {
        loop {
            match self.failover.decide(self.began.elapsed()) {
                Decision::Stay => {}
                Decision::Probe(upstream) => *probe = Some(self.probe(upstream)),
                Decision::Use(_, reason) => {
                    self.switched(reason);
                    return Ok(None);
                }
            }
            let look = match self.failover.next_look() {
                Some(at) => sleep_until(self.began + at).left_future(),
                None => future::pending().right_future(),
            };
            let probing = match probe {
                Some(probe) => probe.left_future(),
                None => future::pending().right_future(),
            };
            tokio::select! {
                biased;
                (upstream, is_well) = probing => {
                    *probe = None;
                    self.failover.probed(upstream, is_well, self.began.elapsed());
                }
                frames = connection.next_frames(&self.batch) => {
                    if frames.is_err() {
                        self.skip(self.failover.active(), connection, true);
                    }
                    return frames.map(Some);
                }
                () = look => {}
            }
        }
    }

    /// Skips frames that were too long to read. If the connection ended within one, that frame may never end, so the
    /// next connection must not wait for it again.
    fn skip(&mut self, active: usize, connection: &mut Connection, has_ended: bool) {
        let unfinished = connection.unfinished().filter(|_| has_ended);
        let skipped = connection.take_skipped();
        let skipped = skipped.into_iter().map(|frame| (frame, false));
        for (frame, must_pass) in skipped.chain(unfinished.map(|frame| (frame, true))) {
            self.metrics.oversized();
            warn!(
                upstream = self.endpoints[active].id.as_str(),
                seq = frame.place,
                bytes = frame.bytes,
                limit = self.config.max_frame_bytes,
                "skipped a frame larger than ingest.upstream.max_frame_bytes, its events are missing"
            );
            self.positions.skip(active, frame.place, must_pass);
        }
    }

    /// Follows what frames reveal about the upstream itself.
    fn take_notice(&mut self, active: usize, frames: Vec<bytes::Bytes>) -> Vec<Run> {
        let (runs, change) = self.positions.hand_on(active, frames);
        if change.is_progress {
            self.backoff.reset();
            self.future_cursors = 0;
            self.failover.heard(self.began.elapsed());
        }
        if change.is_renumbered {
            self.renumbered(active, "its seqs continue elsewhere");
        }
        if change.is_future_cursor {
            self.future_cursors += 1;
            if self.future_cursors >= FUTURE_CURSORS {
                self.future_cursors = 0;
                self.positions.renumber(active);
                self.renumbered(active, "it does not know the cursor");
            }
        }
        runs
    }

    fn renumbered(&self, active: usize, why: &str) {
        self.metrics.renumbered();
        warn!(
            upstream = self.endpoints[active].id.as_str(),
            why, "the upstream restarted its sequence, comparing its events with the log"
        );
    }

    /// Probes an upstream: it must connect, and send something if silence counts as a failure.
    fn probe(&self, upstream: usize) -> Probe {
        let (connector, endpoint) = (self.connector.clone(), self.endpoints[upstream].clone());
        let (config, batch) = (self.config.clone(), self.batch.clone());
        Box::pin(async move {
            let Ok(mut connection) = Connection::open(&connector, &endpoint, None, &config).await
            else {
                return (upstream, false);
            };
            let is_well = config.stale_after.is_zero()
                || matches!(
                    timeout(config.stale_after, connection.next_frames(&batch)).await,
                    Ok(Ok(_))
                );
            (upstream, is_well)
        })
    }

    fn switched(&mut self, reason: Reason) {
        let active = self.failover.active();
        self.metrics.switched(reason);
        self.metrics.reading(active);
        self.future_cursors = 0;
        self.backoff.reset();
        warn!(
            upstream = self.active_id().as_str(),
            reason = reason.label(),
            "switched to another upstream"
        );
    }

    fn active_id(&self) -> &UpstreamId {
        &self.endpoints[self.failover.active()].id
    }
}
