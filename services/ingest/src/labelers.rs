//! Labelers to the log of labels: each frame as it was received, one task per labeler, one writer.
//!
//! The path of a frame, in the order of the modules: the [endpoint] of a labeler is found, its [reader] connects and reads at the
//! labeler's [pace], [check] decides what a frame is, [verify] checks its signatures, and the [writer] appends it, fenced. The
//! log is the only truth: a labeler is continued after the seq of its last frame there.
//!
//! No labeler may disturb another one: each has its own connection, pauses, rate and failures, and takes its turn at the writer.
//! Nothing here may write a frame again from what was decoded ([ADR 31](../../../docs/develop/adr/0031-labels.md)).

mod metrics;
mod pace;
mod check;
mod endpoint;
mod verify;
mod context;
mod writer;
mod reader;

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{LabelsConfig, RawLog, TopicFilter};
use fanjet_runtime::{Backoff, Clock, OnFailure, Stop, Tasks, apart};
use fanjet_telemetry::{Health, HealthReport};
use opentelemetry::metrics::Meter;
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use crate::IngestError;
use crate::config::IngestConfig;
use crate::lead::{Candidacy, Leader, Work, WriteDeadline};
use crate::metrics::IngestMetrics;
use crate::status::Status;
use crate::verify::over_http;
use context::LabelersContext;
use endpoint::Endpoints;
use metrics::LabelsMetrics;
use reader::Reader;
use writer::Writer;

/// Pauses between attempts, when the log cannot be continued.
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// Frames that wait for the writer, of all labelers together. A reader that waits reads no further.
const WAITING: usize = 16;

/// Labelers to log of labels.
pub struct Labels {
    context: LabelersContext,
    log: RawLog,
    /// Of the lease.
    role: IngestMetrics,
}

impl Labels {
    /// Creates a service that is not running yet.
    ///
    /// # Errors
    /// [`IngestError::Config`].
    pub fn new(
        config: IngestConfig,
        labels: LabelsConfig,
        log: RawLog,
        clock: Arc<dyn Clock>,
        meter: &Meter,
    ) -> Result<Self, IngestError> {
        Self::validate(&config, &labels)?;
        Ok(Self {
            context: LabelersContext {
                endpoints: Endpoints {
                    documents: Arc::new(over_http(&config.verify)?),
                    is_private_allowed: labels.private_endpoints,
                },
                config,
                labels,
                clock,
                metrics: LabelsMetrics::new(meter),
                status: Status::default(),
            },
            log,
            role: IngestMetrics::of_labels(meter),
        })
    }

    /// Checks what the types of the settings cannot say, before anything is connected.
    ///
    /// # Errors
    /// [`IngestError::Config`].
    pub fn validate(config: &IngestConfig, labels: &LabelsConfig) -> Result<(), IngestError> {
        config.verify.validate()?;
        config.lease.validate()?;
        endpoint::validate(labels)
    }

    /// The readiness of this service.
    pub fn health(&self) -> Health {
        let status = self.context.status.clone();
        Health::new(move || status.report())
    }

    /// As [`Labels::health`], for a process whose readiness this does not decide.
    pub fn fact(&self) -> Health {
        let status = self.context.status.clone();
        Health::new(move || {
            let state = status.log().err().unwrap_or_else(|| "ok".to_owned());
            HealthReport::of([]).with("labels", state)
        })
    }

    /// Runs until `stop`: stands by, and while it leads, reads the labelers and appends.
    ///
    /// # Errors
    /// [`IngestError`].
    pub async fn run(self, candidacy: Candidacy, stop: Stop) -> Result<(), IngestError> {
        let (role, status) = (self.role.clone(), self.context.status.clone());
        let labels = Arc::new(self);
        let begin = move |deadline, stop| {
            let labels = Arc::clone(&labels);
            Box::pin(async move {
                labels.lead(deadline, stop).await;
                Ok(())
            }) as Work
        };
        let leader = Leader::new(candidacy, begin, role, status);
        let led = apart("labels", Box::pin(leader.run(stop))).await;
        led.map_err(|error| IngestError::Task(error.to_string()))?
    }

    /// One term: writes until `stop`, or until the term is over. A log that cannot be written is tried again.
    async fn lead(&self, deadline: WriteDeadline, stop: Stop) {
        let mut backoff = Backoff::new(RETRY_MIN, RETRY_MAX);
        while !stop.is_cancelled() && deadline.check().is_ok() {
            let Err(why) = self.write(deadline.clone(), stop.child_token()).await else {
                continue;
            };
            let pause = backoff.next_pause();
            if why.ends_term() {
                warn!(%why, ?pause, "cannot continue the log of labels, reading its end again");
            } else {
                error!(%why, ?pause, "cannot write the log of labels, retrying");
            }
            self.context.status.set_log_away(&why);
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Continues after the log's end until `stop`, or until it cannot.
    async fn write(&self, deadline: WriteDeadline, stop: Stop) -> Result<(), IngestError> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let opening = async {
            let log = self.log.get().await?.log;
            let writer = Writer::continuing(Arc::clone(&log), deadline, &self.context).await?;
            // Read after the end that the writer continues at: what another writer appends in between fences it.
            let dids = self.context.labels.labelers.iter();
            let filters: Vec<_> = dids
                .map(|labeler| TopicFilter::Labeler(labeler.did.clone()))
                .collect();
            let last = log.last_of(&filters).await?;
            let last: Vec<_> = last
                .iter()
                .map(|entry| entry.as_ref().map(|entry| entry.origin.relay_seq))
                .collect();
            Ok::<_, IngestError>((writer, last))
        };
        let (writer, last) = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            opened = opening => opened?,
        };
        self.context.status.set_log_reachable();
        self.context.status.set_upstream_connected(true);
        info!(
            labelers = last.len(),
            end = writer.end(),
            "continuing the log of labels after its end"
        );
        let mut tasks = Tasks::new(stop.clone());
        for (labeler, last) in self.context.labels.labelers.iter().zip(last) {
            let reader = Reader::continuing(labeler.clone(), last, sender.clone(), &self.context);
            let stop = stop.clone();
            tasks.spawn("labeler", OnFailure::Log, async move {
                reader.run(stop).await;
                Ok::<(), IngestError>(())
            });
        }
        drop(sender);
        let written = writer.run(receiver, stop.clone()).await;
        stop.cancel();
        let joined = tasks.join().await;
        written?;
        joined.map_err(|error| IngestError::Task(error.to_string()))
    }
}
