//! Appends frames of all labelers, in the order in which they come: the only writer of the log of labels.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use fanjet_event::{Datetime, Did, LabelStamp, TimeUs, Topic};
use fanjet_log::{Appender, EventLog, NewEvent, Origin, Seq, UpstreamId};
use fanjet_runtime::{Clock, Stop};
use tokio::sync::mpsc;

use super::context::LabelersContext;
use super::metrics::LabelsMetrics;
use crate::IngestError;
use crate::lead::WriteDeadline;
use crate::status::Status;

/// Frames appended before their acknowledgements are waited for.
const AT_ONCE: usize = 256;

/// A frame that was checked.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) labeler: Did,
    pub(super) upstream: UpstreamId,
    pub(super) seq: u64,
    pub(super) labels: usize,
    /// Where that number is in the frame.
    pub(super) seq_at: Range<u32>,
    pub(super) frame: Bytes,
}

/// Writes for one term.
pub(super) struct Writer {
    appender: Box<dyn Appender>,
    end: Seq,
    last_time: Option<TimeUs>,
    deadline: WriteDeadline,
    drain_timeout: Duration,
    clock: Arc<dyn Clock>,
    metrics: LabelsMetrics,
    status: Status,
    /// Appended but not yet acknowledged.
    pending: Vec<(Did, usize, u64)>,
}

impl Writer {
    /// Continues after the log's end.
    ///
    /// # Errors
    /// [`IngestError`] when it cannot be read.
    pub(super) async fn continuing(
        log: Arc<dyn EventLog>,
        deadline: WriteDeadline,
        context: &LabelersContext,
    ) -> Result<Self, IngestError> {
        // Whichever log exists now: this reader keeps nothing of an earlier one.
        log.adopt().await?;
        let end = log.bounds().await?.last;
        let last_time = match log.last().await? {
            Some(last) => Some(last.time()?),
            None => None,
        };
        Ok(Self {
            appender: log.appender(end).await?,
            end,
            last_time,
            deadline,
            drain_timeout: context.config.pipeline.drain_timeout,
            clock: Arc::clone(&context.clock),
            metrics: context.metrics.clone(),
            status: context.status.clone(),
            pending: Vec::new(),
        })
    }

    /// The seq that it continues after.
    pub(super) fn end(&self) -> Seq {
        self.end
    }

    /// Appends until `stop`, and then what was accepted before.
    ///
    /// # Errors
    /// [`IngestError`]: the term is over, or the log cannot be written.
    pub(super) async fn run(
        mut self,
        mut accepted: mpsc::Receiver<Accepted>,
        stop: Stop,
    ) -> Result<(), IngestError> {
        let mut frames = Vec::new();
        loop {
            let count = tokio::select! {
                count = accepted.recv_many(&mut frames, AT_ONCE) => count,
                () = stop.cancelled() => break,
            };
            if count == 0 {
                return Ok(());
            }
            self.append(&mut frames).await?;
        }
        accepted.close();
        let patience = self.drain_timeout;
        let draining = async {
            while accepted.recv_many(&mut frames, AT_ONCE).await > 0 {
                self.append(&mut frames).await?;
            }
            Ok(())
        };
        // What is not appended is requested again by the next leader.
        let drained = tokio::time::timeout(patience, draining).await;
        drained.unwrap_or(Ok(()))
    }

    async fn append(&mut self, frames: &mut Vec<Accepted>) -> Result<(), IngestError> {
        self.deadline.check()?;
        let mut events = Vec::with_capacity(frames.len());
        for frame in frames.drain(..) {
            let time = TimeUs::following(self.last_time, self.clock.now_us());
            let Some(written) = written(time) else {
                continue;
            };
            self.last_time = Some(time);
            let stamp = LabelStamp {
                labeler: frame.labeler.clone(),
                seq_start: frame.seq_at.start,
                seq_len: frame.seq_at.end - frame.seq_at.start,
                time,
            };
            self.pending.push((frame.labeler, frame.labels, frame.seq));
            events.push(NewEvent {
                topic: Topic::Labels(Arc::new(stamp)),
                origin: Origin {
                    upstream: frame.upstream,
                    relay_seq: frame.seq,
                    op_index: 0,
                    op_count: 1,
                    time: written,
                },
                body: frame.frame,
                trace: None,
            });
        }
        self.appender.append(&events).await?;
        self.appender.flush().await?;
        self.status.set_log_reachable();
        for (labeler, labels, seq) in self.pending.drain(..) {
            self.metrics.appended(&labeler, labels as u64, seq);
        }
        Ok(())
    }
}

/// A log time as text.
fn written(time: TimeUs) -> Option<Datetime> {
    let time = UNIX_EPOCH + Duration::from_micros(time.get());
    let text = humantime::format_rfc3339_micros(time).to_string();
    Datetime::parse(Arc::from(text)).ok()
}
