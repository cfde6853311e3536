//! The whole service, and one term of it: reads the log's end, starts the tasks, stops them in order.

use std::sync::Arc;

use fanjet_cluster::{Part, Presence};
use fanjet_log::heartbeat::Heartbeat;
use fanjet_log::memory::MemoryBookmarks;
use fanjet_log::{Bookmarks, ClusterState, EventLog, LogError, RawLog};
use fanjet_runtime::{Clock, OnFailure, Stop, Tasks, apart};
use fanjet_telemetry::Health;
use fanjet_websocket::{Dial, Tcp};
use futures::FutureExt;
use opentelemetry::metrics::Meter;
use opentelemetry_sdk::trace::SdkTracer;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::IngestError;
use crate::config::IngestConfig;
use crate::filter::IngestFilter;
use crate::freshness::Freshness;
use crate::labels::Resumed;
use crate::lead::{Candidacy, Leader, Work, WriteDeadline};
use crate::log_writer::LogWriter;
use crate::metrics::{IngestMetrics, observe_skipped_seqs};
use crate::pipeline::Pipeline;
use crate::publisher::{DEPOSED_SERVER_TIMEOUT, PublisherContext};
use crate::raw::RawIngest;
use crate::resume::{Resume, patiently};
use crate::sequencer::{Ahead, Sequencer};
use crate::status::Status;
use crate::supervise::{Names, supervise};
use crate::traces::Traces;
use crate::upstream::Upstream;
use crate::verify::Verifier;

const NAMES: Names = Names {
    log: "events",
    upstream: "upstream",
    bookmark: "bookmark",
};

/// Firehose to log.
pub struct Ingest {
    config: IngestConfig,
    filter: Arc<IngestFilter>,
    log: Arc<dyn EventLog>,
    positions: Arc<dyn Bookmarks>,
    clock: Arc<dyn Clock>,
    freshness: Freshness,
    metrics: IngestMetrics,
    tracer: Option<SdkTracer>,
    status: Status,
    raw: Option<RawIngest>,
    dial: Arc<dyn Dial>,
}

impl Ingest {
    /// Creates a service that is not running yet.
    ///
    /// # Errors
    /// [`IngestError::Config`].
    pub fn new(
        config: IngestConfig,
        log: Arc<dyn EventLog>,
        clock: Arc<dyn Clock>,
        meter: &Meter,
    ) -> Result<Self, IngestError> {
        config.validate()?;
        let metrics = IngestMetrics::new(meter);
        observe_skipped_seqs(meter, &log);
        Ok(Self {
            freshness: Freshness::unpublished(
                Arc::clone(&clock),
                config.freshness.clone(),
                &metrics,
            ),
            filter: Arc::new(config.filter.load()?),
            config,
            log,
            positions: Arc::new(MemoryBookmarks::default()),
            clock,
            metrics,
            tracer: None,
            status: Status::default(),
            raw: None,
            dial: Arc::new(Tcp),
        })
    }

    /// Records the upstream position, for the time when no retained event shows it. Without this, the position is known
    /// only as long as the process lives.
    #[must_use]
    pub fn recording(mut self, positions: Arc<dyn Bookmarks>) -> Self {
        self.positions = positions;
        self
    }

    /// Exports the path of a few events as spans of `tracer`.
    #[must_use]
    pub fn traced_by(mut self, tracer: Option<SdkTracer>) -> Self {
        self.tracer = tracer;
        self
    }

    /// Opens the connections to upstreams with `dial`, in place of TCP.
    #[must_use]
    pub fn dialing_with(mut self, dial: Arc<dyn Dial>) -> Self {
        self.dial = dial;
        self
    }

    /// Publishes collection freshness to the cluster.
    #[must_use]
    pub fn with_cluster_state(mut self, notices: Arc<dyn ClusterState>) -> Self {
        let (clock, config) = (Arc::clone(&self.clock), self.config.freshness.clone());
        self.freshness = Freshness::new(clock, notices, config, &self.metrics);
        self
    }

    /// Also writes the raw log.
    ///
    /// # Errors
    /// [`IngestError::Config`].
    pub fn with_raw_log(mut self, log: RawLog, meter: &Meter) -> Result<Self, IngestError> {
        let (config, clock) = (self.config.clone(), Arc::clone(&self.clock));
        self.raw = Some(RawIngest::new(config, log, clock, meter)?);
        Ok(self)
    }

    /// The readiness of this service.
    pub fn health(&self) -> Health {
        let (status, raw) = (self.status.clone(), self.raw.clone());
        Health::new(move || match &raw {
            Some(raw) => raw.report_in(status.report()),
            None => status.report(),
        })
    }

    /// Runs until `stop`: stands by, and while it leads, reads the upstream and appends. On `stop` it stops reading,
    /// appends what was read, releases the lease, and returns.
    ///
    /// # Errors
    /// [`IngestError`].
    pub async fn run(self, candidacy: Candidacy, stop: Stop) -> Result<(), IngestError> {
        let (metrics, status) = (self.metrics.clone(), self.status.clone());
        let (notices, pause) = self.freshness.board();
        let clock = Arc::clone(&self.clock);
        let presence = Presence::new(Part::Ingest, candidacy.instance(), clock.now_us());
        let heartbeat = Heartbeat::new(notices, presence.key());
        let reported = status.clone();
        let ingest = Arc::new(self);
        let begin = move |deadline, stop| {
            let ingest = Arc::clone(&ingest);
            Box::pin(async move { ingest.lead(deadline, stop).await }) as Work
        };
        let leader = Leader::new(candidacy, begin, metrics, status);
        // Every frame and every acknowledgement wakes it.
        let leading = apart("ingest", Box::pin(leader.run(stop)));
        let state = || presence.encode(reported.standing(), clock.now_us()).into();
        let led = heartbeat.run_during(leading, pause, state).await;
        led.map_err(|error| IngestError::Task(error.to_string()))?
    }

    /// One term: continues after the log's end until `stop`, or until it cannot.
    async fn lead(&self, deadline: WriteDeadline, stop: Stop) -> Result<(), IngestError> {
        let has_fallbacks = !self.config.upstream.fallbacks.is_empty();
        let resume = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            resume = self.resume(has_fallbacks) => resume?,
        };
        info!(
            seq = resume.seq,
            upstream = resume
                .origin
                .as_ref()
                .map(|origin| origin.upstream.as_str()),
            "continuing after the log's end"
        );
        self.report(&resume);
        let upstream = Upstream::continuing(
            &resume,
            self.config.upstream.clone(),
            self.config.pipeline.clone(),
            Arc::clone(&self.clock),
            self.metrics.clone(),
            self.status.clone(),
        )?
        .dialing_with(Arc::clone(&self.dial));
        let pipeline = Pipeline {
            verifier: Verifier::configured(
                &self.config.verify,
                Arc::clone(&self.filter),
                self.metrics.clone(),
            )?,
            sequencer: Sequencer::continuing(&resume),
            ahead: Ahead::default(),
            writer: LogWriter::continuing(
                &resume,
                PublisherContext {
                    log: Arc::clone(&self.log),
                    deadline: deadline.clone(),
                    traces: Traces::new(
                        self.tracer.clone(),
                        self.config.pipeline.traced,
                        Arc::clone(&self.clock),
                    ),
                    freshness: self.freshness.clone(),
                    metrics: self.metrics.clone(),
                    status: self.status.clone(),
                },
                self.config.upstream.remembered_events,
            ),
            clock: Arc::clone(&self.clock),
            freshness: self.freshness.clone(),
            metrics: self.metrics.clone(),
            filter: Arc::clone(&self.filter),
            decode_workers: decode_workers(self.config.pipeline.decode_workers),
        };
        let _shown = self.freshness.begin();
        let positions = Arc::clone(&self.positions);
        let mut tasks = Tasks::new(stop.clone());
        if let Some(raw) = self.raw.clone() {
            let stop = stop.clone();
            tasks.spawn("raw log", OnFailure::Log, async move {
                raw.run(deadline, stop).await;
                Ok::<(), IngestError>(())
            });
        }
        let (freshness, publishing) = (self.freshness.clone(), tasks.stop().clone());
        tasks.spawn("freshness", OnFailure::Log, async move {
            freshness.publish(publishing).await;
            Ok::<(), IngestError>(())
        });
        let saving = (positions, pipeline.writer.settled());
        let append = |batches| pipeline.run(batches);
        let limits = &self.config.pipeline;
        supervise(NAMES, upstream, append, saving, limits, tasks).await
    }

    /// Reads the log's end. If it lies before what the log acknowledged, retries for a while: a deposed server that has
    /// not noticed yet may have responded.
    async fn resume(&self, has_fallbacks: bool) -> Result<Resume, LogError> {
        let read = || Resume::read(&*self.log, &*self.positions, has_fallbacks).boxed();
        let began = Instant::now();
        loop {
            let resume = patiently(&self.status, read).await?;
            if self.lost(&resume) == 0 || began.elapsed() >= DEPOSED_SERVER_TIMEOUT {
                return Ok(resume);
            }
            let lost = self.lost(&resume);
            self.status.set_log_away(format!(
                "it ends at seq {}, although it acknowledged {lost} more events",
                resume.seq
            ));
            tokio::time::sleep(DEPOSED_SERVER_TIMEOUT / 10).await;
        }
    }

    fn lost(&self, resume: &Resume) -> u64 {
        resume.lost(self.status.acknowledged_by(&resume.log))
    }

    /// Reports, once per term, what is wrong with the resume position.
    fn report(&self, resume: &Resume) {
        let (lost, end) = (self.lost(resume), resume.newest);
        if lost > 0 && self.status.set_log_lost(end + lost, end) {
            self.metrics.log_lost(lost);
            error!(
                acked = end + lost,
                end, "the log lost acknowledged events, requesting them from the upstream again"
            );
        }
        if let Some(recorded) = resume.recorded() {
            if recorded.relay_seq.is_some() {
                self.metrics.origin_lost(Resumed::Recorded);
                warn!(
                    end,
                    upstream = recorded.upstream,
                    cursor = recorded.relay_seq,
                    recorded_at = recorded.end,
                    "the log retains no event, resuming after the recorded upstream position"
                );
            }
        } else if resume.is_origin_unknown() {
            self.metrics.origin_lost(Resumed::Live);
            error!(
                end,
                "the log retains no event and no upstream position is recorded, starting at the live end: events may be lost"
            );
        }
    }
}

fn decode_workers(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    }
}
