//! The raw log: the upstream's frames as they were received, beside the log of events.
//!
//! It has a reader of its own ([ADR 27](../../../docs/develop/adr/0027-raw-log.md)): its own connection to the upstream,
//! its own position, its own fence. So the log of events never waits for it, and after any stop each of the two continues
//! where it ended. It uses the same upstream, verification and publisher as the log of events; only what stands between
//! them is its own. Nothing in here may end the term of the leader.

mod numbers;
mod topic;
mod frames;
mod pipeline;

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{EventLog, LogError, MAX_FRAME, OpenRawLog, RawLog};
use fanjet_runtime::{Backoff, Clock, Stop, Tasks};
use fanjet_telemetry::HealthReport;
use futures::FutureExt;
use opentelemetry::metrics::Meter;
use tracing::{error, info, warn};

use crate::IngestError;
use crate::config::IngestConfig;
use crate::filter::IngestFilter;
use crate::freshness::Freshness;
use crate::lead::WriteDeadline;
use crate::log_writer::LogWriter;
use crate::metrics::IngestMetrics;
use crate::publisher::PublisherContext;
use crate::resume::{Resume, patiently};
use crate::status::Status;
use crate::supervise::{Names, supervise};
use crate::traces::Traces;
use crate::upstream::Upstream;
use crate::verify::Verifier;
use frames::FrameSequencer;
use pipeline::RawPipeline;

const NAMES: Names = Names {
    log: "raw",
    upstream: "raw upstream",
    bookmark: "raw bookmark",
};

/// Pauses between attempts, when the raw log cannot be continued.
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// Firehose to raw log.
#[derive(Clone)]
pub(crate) struct RawIngest {
    config: IngestConfig,
    /// Keeps everything: what is filtered from the log of events is still part of the firehose.
    filter: Arc<IngestFilter>,
    log: RawLog,
    clock: Arc<dyn Clock>,
    metrics: IngestMetrics,
    status: Status,
}

impl RawIngest {
    /// # Errors
    /// [`IngestError::Config`].
    pub(crate) fn new(
        mut config: IngestConfig,
        log: RawLog,
        clock: Arc<dyn Clock>,
        meter: &Meter,
    ) -> Result<Self, IngestError> {
        config.upstream.max_frame_bytes = MAX_FRAME;
        Ok(Self {
            filter: Arc::new(IngestConfig::default().filter.load()?),
            config,
            log,
            clock,
            metrics: IngestMetrics::of_frames(meter),
            status: Status::default(),
        })
    }

    /// Adds a fact to the report of ingest: the raw log does not decide whether it is ready.
    pub(crate) fn report_in(&self, report: HealthReport) -> HealthReport {
        let state = match self.status.log() {
            Ok(()) => "ok".to_owned(),
            Err(why) => why,
        };
        report.with("raw", state)
    }

    /// Writes the raw log until `stop`, or until the leader's term is over.
    pub(crate) async fn run(self, deadline: WriteDeadline, stop: Stop) {
        let mut backoff = Backoff::new(RETRY_MIN, RETRY_MAX);
        while !stop.is_cancelled() && deadline.check().is_ok() {
            let outcome = self.write(deadline.clone(), stop.child_token()).await;
            let Err(why) = outcome else {
                continue;
            };
            let pause = backoff.next_pause();
            if why.ends_term() {
                warn!(%why, ?pause, "cannot continue the raw log, reading its end again");
            } else {
                error!(%why, ?pause, "cannot write the raw log, retrying");
                self.status.set_log_away(&why);
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Continues after the log's end until `stop`, or until it cannot.
    async fn write(&self, deadline: WriteDeadline, stop: Stop) -> Result<(), IngestError> {
        let opening = async {
            let opened = self.log.get().await?;
            let resume = self.resume(&opened).await?;
            Ok::<_, LogError>((opened, resume))
        };
        let (opened, resume) = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            opened = opening => opened?,
        };
        info!(
            seq = resume.seq,
            wire_seq = resume.wire_seq,
            upstream = resume
                .origin
                .as_ref()
                .map(|origin| origin.upstream.as_str()),
            "continuing after the raw log's end"
        );
        let upstream = Upstream::continuing(
            &resume,
            self.config.upstream.clone(),
            self.config.pipeline.clone(),
            Arc::clone(&self.clock),
            self.metrics.clone(),
            self.status.clone(),
        )?;
        let pipeline = self.pipeline(&resume, opened.log, deadline)?;
        let saving = (opened.bookmarks, pipeline.writer.settled());
        let append = |batches| pipeline.run(batches);
        let (limits, tasks) = (&self.config.pipeline, Tasks::new(stop));
        supervise(NAMES, upstream, append, saving, limits, tasks).await
    }

    async fn resume(&self, opened: &OpenRawLog) -> Result<Resume, LogError> {
        let has_fallbacks = !self.config.upstream.fallbacks.is_empty();
        let read = || Resume::read(&*opened.log, &*opened.bookmarks, has_fallbacks).boxed();
        patiently(&self.status, read).await
    }

    fn pipeline(
        &self,
        resume: &Resume,
        log: Arc<dyn EventLog>,
        deadline: WriteDeadline,
    ) -> Result<RawPipeline, IngestError> {
        let (clock, metrics) = (Arc::clone(&self.clock), self.metrics.clone());
        // Collections and traces are those of the log of events.
        let freshness =
            Freshness::unpublished(Arc::clone(&clock), self.config.freshness.clone(), &metrics);
        let context = PublisherContext {
            log,
            deadline,
            traces: Traces::new(None, 0.0, Arc::clone(&clock)),
            freshness,
            metrics: metrics.clone(),
            status: self.status.clone(),
        };
        Ok(RawPipeline {
            verifier: Verifier::configured(
                &self.config.verify,
                Arc::clone(&self.filter),
                metrics.clone(),
            )?,
            sequencer: FrameSequencer::continuing(resume, resume.wire_seq),
            writer: LogWriter::continuing(resume, context, self.config.upstream.remembered_events),
            clock,
            metrics,
            is_renumbering: false,
        })
    }
}
