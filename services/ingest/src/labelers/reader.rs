//! One labeler: connects, reads, checks, hands over; and starts again with growing pauses, for ever.

use std::time::Duration;

use bytes::Bytes;
use fanjet_firehose::{Label, seq_range_of};
use fanjet_log::{FirstContact, Labeler, LabelsVerification, UpstreamId};
use fanjet_runtime::{Backoff, Stop};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::check::{Message, check};
use super::context::LabelersContext;
use super::endpoint::{Endpoints, Unreachable};
use super::metrics::LabelerMetrics;
use super::pace::Pace;
use super::verify::Keys;
use super::writer::Accepted;
use crate::config::{PipelineConfig, UpstreamConfig};
use crate::upstream::Connection;

/// Pauses between connections.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_mins(5);
/// A connection that lasted as long was a good one.
const HEALTHY: Duration = Duration::from_secs(30);

/// Why a connection ended.
enum Left {
    /// It can be made again.
    Retry(Unreachable),
    /// The labeler does not know its own last number.
    FutureCursor,
    /// The writer has ended.
    WriterGone,
}

impl From<Unreachable> for Left {
    fn from(why: Unreachable) -> Self {
        Self::Retry(why)
    }
}

/// Reads one labeler for one term.
pub(super) struct Reader {
    labeler: Labeler,
    /// The number of the last frame that was handed over, or refused.
    last: Option<u64>,
    first: FirstContact,
    verify: LabelsVerification,
    endpoints: Endpoints,
    keys: Keys,
    pace: Pace,
    upstream: UpstreamConfig,
    batch: PipelineConfig,
    accepted: mpsc::Sender<Accepted>,
    metrics: LabelerMetrics,
}

impl Reader {
    /// Continues after the labeler's last frame in the log.
    pub(super) fn continuing(
        labeler: Labeler,
        last: Option<u64>,
        accepted: mpsc::Sender<Accepted>,
        context: &LabelersContext,
    ) -> Self {
        Self {
            metrics: context.metrics.of(&labeler.did),
            last,
            first: context.labels.first,
            verify: context.labels.verify,
            endpoints: context.endpoints.clone(),
            keys: Keys::default(),
            pace: Pace::new(context.labels.labels_per_second, Instant::now()),
            upstream: context.config.upstream.clone(),
            batch: context.config.pipeline.clone(),
            accepted,
            labeler,
        }
    }

    /// Reads until `stop`.
    pub(super) async fn run(mut self, stop: Stop) {
        self.metrics.halted(false);
        self.metrics.connected(false);
        let labeler = self.labeler.did.clone();
        let mut backoff = Backoff::new(RETRY_MIN, RETRY_MAX);
        loop {
            let began = Instant::now();
            let left = tokio::select! {
                () = stop.cancelled() => break,
                left = self.read() => left,
            };
            let why = match left {
                Left::WriterGone => break,
                Left::FutureCursor => {
                    self.metrics.disconnected("future_cursor");
                    self.metrics.halted(true);
                    error!(%labeler, last = self.last, "the labeler does not know the last number that it sent, not reading it again");
                    // The next leader finds out by itself, and this process must not report it for ever.
                    stop.cancelled().await;
                    self.metrics.halted(false);
                    return;
                }
                Left::Retry(why) => why,
            };
            if began.elapsed() >= HEALTHY {
                backoff.reset();
            }
            let pause = backoff.next_pause();
            self.metrics.disconnected(why.reason);
            warn!(%labeler, reason = why.reason, detail = why.detail, ?pause, "lost the labeler, reconnecting");
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.metrics.connected(false);
    }

    /// One connection.
    async fn read(&mut self) -> Left {
        match self.connect().await {
            Ok(connection) => self.follow(connection).await,
            Err(why) => Left::Retry(why),
        }
    }

    async fn connect(&mut self) -> Result<Connection, Unreachable> {
        let is_verified = self.verify != LabelsVerification::Off;
        let document = if self.labeler.url.is_none() || is_verified {
            match self.look_up().await {
                Ok(document) => Some(document),
                // Its labels are counted as unknown, or wait, as the settings say.
                Err(why) if self.labeler.url.is_some() => {
                    debug!(labeler = %self.labeler.did, detail = why.detail, "no DID document");
                    None
                }
                Err(why) => return Err(why),
            }
        } else {
            None
        };
        let cursor = match (self.last, self.first) {
            (None, FirstContact::Now) => None,
            (last, _) => Some(last.unwrap_or(0)),
        };
        let patience = self.upstream.connect_timeout;
        let socket = self
            .endpoints
            .connect(&self.labeler, document.as_ref(), cursor, patience)
            .await?;
        info!(labeler = %self.labeler.did, cursor, "connected to the labeler");
        self.metrics.connected(true);
        Ok(Connection::over(socket, self.upstream.ping_interval))
    }

    async fn look_up(&mut self) -> Result<fanjet_verify::LabelerDocument, Unreachable> {
        self.metrics.looked_up();
        let document = self.endpoints.document(&self.labeler).await?;
        if let Some(first) = self.keys.learn(&document) {
            self.last = Some(first.saturating_sub(1));
        }
        Ok(document)
    }

    /// Reads the document again because signatures failed. With another key, the connection begins again at the first frame that
    /// may have been refused wrongly.
    async fn renew(&mut self) -> Result<(), Left> {
        let before = self.last;
        if let Err(why) = self.look_up().await {
            debug!(labeler = %self.labeler.did, detail = why.detail, "no DID document");
        }
        if self.last == before {
            return Ok(());
        }
        let detail = "the key that its last frames were refused with has changed";
        Err(Unreachable::new("new_key", detail).into())
    }

    async fn follow(&mut self, mut connection: Connection) -> Left {
        loop {
            let due = self.keys.due();
            let renewal = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            let frames = tokio::select! {
                // Also while labels that fail keep coming.
                biased;
                () = renewal => {
                    self.keys.may_renew(Instant::now());
                    match self.renew().await {
                        Ok(()) => continue,
                        Err(left) => return left,
                    }
                }
                frames = connection.next_frames(&self.batch) => frames,
            };
            let skipped =
                connection.take_skipped().len() + usize::from(connection.unfinished().is_some());
            let frames = match frames {
                Ok(frames) => frames,
                Err(ended) => {
                    let reason = match skipped {
                        0 => ended.why.label(),
                        _ => {
                            self.metrics.refused("too_large");
                            "too_large"
                        }
                    };
                    return Unreachable::new(reason, ended.detail).into();
                }
            };
            for frame in frames {
                if let Err(left) = self.take(frame).await {
                    return left;
                }
            }
            if skipped > 0 {
                self.metrics.refused("too_large");
                return Unreachable::new("too_large", "a message above the limit").into();
            }
        }
    }

    async fn take(&mut self, frame: Bytes) -> Result<(), Left> {
        let did = self.labeler.did.clone();
        match check(&frame, &did, self.last) {
            Message::New { seq, labels } => {
                let count = labels.len();
                if self.is_acceptable(&labels).await? {
                    self.hand_over(seq, count, frame.clone()).await?;
                    self.keys.passed();
                } else {
                    self.metrics.refused("bad_signature");
                    self.keys.refused(seq);
                }
                self.last = Some(seq);
                self.wait(count).await;
            }
            Message::Repeated => self.wait(1).await,
            Message::Refused { seq, reason } => {
                self.metrics.refused(reason);
                self.last = Some(seq);
                self.wait(1).await;
            }
            Message::Notice(name) => info!(labeler = %did, name, "notice of the labeler"),
            Message::Unknown => self.metrics.refused("unknown_type"),
            Message::FutureCursor => return Err(Left::FutureCursor),
            Message::Ended(error) => return Err(Unreachable::new("error_frame", error).into()),
            Message::Broken { reason } => {
                self.metrics.refused(reason);
                return Err(Unreachable::new("undecodable", reason).into());
            }
        }
        Ok(())
    }

    async fn wait(&mut self, labels: usize) {
        let pause = self.pace.take(labels, Instant::now());
        if !pause.is_zero() {
            self.metrics.throttled(pause);
            tokio::time::sleep(pause).await;
        }
    }

    /// Whether the settings let these labels pass.
    async fn is_acceptable(&mut self, labels: &[Label<'_>]) -> Result<bool, Left> {
        if self.verify == LabelsVerification::Off {
            return Ok(true);
        }
        let mut results = self.keys.check(labels).await;
        if results.bad + results.unknown > 0 && self.keys.may_renew(Instant::now()) {
            self.renew().await?;
            results = self.keys.check(labels).await;
        }
        self.metrics.verified("ok", results.good);
        self.metrics.verified("bad", results.bad);
        self.metrics.verified("unknown", results.unknown);
        if self.verify == LabelsVerification::Log {
            return Ok(true);
        }
        if results.unknown > 0 {
            return Err(Unreachable::new("no_key", "no key to check its labels with").into());
        }
        Ok(results.bad == 0)
    }

    async fn hand_over(&self, seq: u64, labels: usize, frame: Bytes) -> Result<(), Left> {
        let gone = || Unreachable::new("no_name", "its DID is no name of an upstream");
        let upstream: UpstreamId = self.labeler.upstream().ok_or_else(gone)?;
        let seq_at = seq_range_of(&frame).and_then(|range| {
            let end = u32::try_from(range.end).ok()?;
            Some(u32::try_from(range.start).ok()?..end)
        });
        let seq_at = seq_at.ok_or_else(|| Unreachable::new("undecodable", "no seq"))?;
        let accepted = Accepted {
            labeler: self.labeler.did.clone(),
            upstream,
            seq,
            labels,
            seq_at,
            frame,
        };
        let sent = self.accepted.send(accepted).await;
        sent.map_err(|_gone| Left::WriterGone)
    }
}
