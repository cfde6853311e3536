//! The service: validated, started, and its health.

use std::sync::Arc;

use fanjet_log::{Bookmarks, EventLog};
use fanjet_runtime::{Clock, Stop};
use fanjet_telemetry::{Health, HealthReport};
use opentelemetry::metrics::Meter;

use crate::KafkaError;
use crate::config::KafkaConfig;
use crate::metrics::{Metrics, observe_skipped_seqs};
use crate::pipeline::{Progress, Worker};

/// Produces a log to Kafka.
pub struct Kafka {
    worker: Worker,
    progress: Arc<Progress>,
    config: Arc<KafkaConfig>,
    stopping: Stop,
}

impl Kafka {
    /// Validates the settings; connects to nothing yet. `host` is the machine's name, `bookmarks` are those beside the
    /// log.
    ///
    /// # Errors
    /// [`KafkaError::Config`].
    pub fn new(
        config: KafkaConfig,
        host: String,
        log: Arc<dyn EventLog>,
        bookmarks: Arc<dyn Bookmarks>,
        clock: Arc<dyn Clock>,
        meter: &Meter,
    ) -> Result<Self, KafkaError> {
        config.validate()?;
        let config = Arc::new(config);
        let metrics = Metrics::new(meter);
        observe_skipped_seqs(meter, &log);
        let worker = Worker::new(Arc::clone(&config), host, (log, bookmarks), clock, metrics)?;
        Ok(Self {
            progress: worker.progress(),
            worker,
            config,
            stopping: Stop::new(),
        })
    }

    /// Whether events reach Kafka now, for health probes.
    pub fn health(&self) -> Health {
        let (progress, config) = (Arc::clone(&self.progress), Arc::clone(&self.config));
        let stopping = self.stopping.clone();
        Health::new(move || report(&progress, &config, &stopping))
    }

    /// Produces until stopped. An unreachable log or Kafka is waited for.
    ///
    /// # Errors
    /// A failure that waiting cannot fix.
    pub async fn run(self, stop: Stop) -> Result<(), KafkaError> {
        let stopping = self.stopping.clone();
        let running = self.worker.run(stop.clone());
        let stopped = async {
            stop.cancelled().await;
            stopping.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            outcome = running => outcome,
            () = stopped => Ok(()),
        }
    }
}

fn report(progress: &Progress, config: &KafkaConfig, stopping: &Stop) -> HealthReport {
    let state = progress.state();
    let log = match (progress.damage(), state.is_following) {
        (Some(damage), _) => Err(damage),
        (None, true) => Ok(()),
        (None, false) => Err("the log is not being followed".to_owned()),
    };
    let kafka = match progress.status.trouble() {
        Some(trouble) if !state.is_following => Err(trouble),
        trouble if state.stalled_for > config.request_timeout => {
            let seconds = state.stalled_for.as_secs();
            let why = trouble.unwrap_or_else(|| "no response from the brokers".to_owned());
            Err(format!("no acknowledgement for {seconds} s: {why}"))
        }
        _ => Ok(()),
    };
    let process = match stopping.is_cancelled() {
        true => Err("shutting down".to_owned()),
        false => Ok(()),
    };
    HealthReport::of([("log", log), ("kafka", kafka), ("process", process)])
        .with("position", state.acked.seq.to_string())
        .with("log_last", state.log_last.to_string())
}
