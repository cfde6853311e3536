//! What a service finds around itself.

use std::time::Duration;

use fanjet_output::say;
use fanjet_runtime::{OnFailure, Stop, Tasks, stop_on_signal};
use fanjet_telemetry::{Health, Metrics, OpsConfig, OpsServer, Otlp, OtlpConfig, Traces};
use opentelemetry::metrics::Meter;
use opentelemetry_sdk::trace::SdkTracer;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::warn;

use crate::Failure;

/// How long telling a collector the rest may take at the end: whoever stopped the process counts the seconds.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The running process.
#[derive(Debug)]
pub struct Process {
    instance: String,
    stop: Stop,
    /// The ops server outlives the drain, so that probes see it.
    ops_stop: Stop,
    metrics: Metrics,
    traces: Traces,
    tasks: Tasks,
}

impl Process {
    pub(crate) fn new(name: &'static str, otlp: Option<&OtlpConfig>) -> Result<Self, Failure> {
        let random: u32 = rand::random();
        let instance = format!("{}/{}/{random:08x}", host(), std::process::id());
        let otlp = match otlp {
            Some(config) => Otlp::configured(config, name, instance.clone())?,
            None => None,
        };
        let stop = Stop::new();
        let mut tasks = Tasks::new(stop.clone());
        tasks.spawn("signals", OnFailure::StopAll, stop_on_signal(stop.clone()));
        Ok(Self {
            instance,
            stop,
            ops_stop: Stop::new(),
            metrics: Metrics::with(otlp.as_ref())?,
            traces: Traces::to(otlp.as_ref())?,
            tasks,
        })
    }

    /// Triggered by SIGTERM and SIGINT.
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Where a service makes its instruments.
    pub fn meter(&self, service: &'static str) -> Meter {
        self.metrics.meter(service)
    }

    /// Where a service begins its spans; `None` when nobody would see them.
    pub fn tracer(&self, service: &'static str) -> Option<SdkTracer> {
        self.traces.tracer(service)
    }

    /// A name that no other process has, and that tells an operator which one it is: `host/pid/random`.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// What the machine is called, in visible ASCII characters.
    pub fn host(&self) -> String {
        host()
    }

    /// The outcome of what may wait for long; `None` when the process is asked to stop meanwhile.
    pub async fn unless_stopped<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            outcome = waiting => Some(outcome),
            () = self.stop.cancelled() => None,
        }
    }

    /// Serves health and metrics until the end of the process, and says where.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn serve_ops(&mut self, config: &OpsConfig, health: Health) -> Result<(), Failure> {
        let ops = OpsServer::bind(config, self.metrics.clone(), health)?;
        say(format_args!("ops http://{}", ops.address()));
        let until = self.ops_stop.clone();
        self.tasks.spawn("ops", OnFailure::StopAll, ops.run(until));
        Ok(())
    }

    /// Stops what belongs to the process and waits for it.
    pub(crate) async fn end(self) -> Result<(), Failure> {
        self.stop.cancel();
        self.ops_stop.cancel();
        let joined = self.tasks.join().await;
        let (traces, metrics) = (self.traces, self.metrics);
        let (told, telling) = oneshot::channel();
        // No task of the runtime, whose end would wait for it.
        std::thread::spawn(move || {
            traces.end();
            metrics.end();
            told.send(()).unwrap_or_default();
        });
        if timeout(LAST_WORDS, telling).await.is_err() {
            warn!("the collector does not answer; the last spans and metrics are lost");
        }
        Ok(joined?)
    }
}

fn host() -> String {
    let system = rustix::system::uname();
    let host = system.nodename().to_string_lossy();
    host.chars()
        .filter(char::is_ascii_graphic)
        .take(128)
        .collect()
}
