//! The environment of a service: signals, telemetry, tasks, the ops server.

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

/// Deadline for the last export to the collector: the supervisor waits for the process to end.
const LAST_EXPORT: Duration = Duration::from_secs(2);

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

    /// The meter for a service's instruments.
    pub fn meter(&self, service: &'static str) -> Meter {
        self.metrics.meter(service)
    }

    /// The tracer for a service's spans; `None` without a collector.
    pub fn tracer(&self, service: &'static str) -> Option<SdkTracer> {
        self.traces.tracer(service)
    }

    /// A unique name that identifies the process to an operator: `host/pid/random`.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The host name, in visible ASCII characters.
    pub fn host(&self) -> String {
        host()
    }

    /// Waits for `waiting`; `None` if the process is stopped first.
    pub async fn unless_stopped<T>(&self, waiting: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            outcome = waiting => Some(outcome),
            () = self.stop.cancelled() => None,
        }
    }

    /// Serves health and metrics until the process ends, and prints the address.
    ///
    /// # Errors
    /// When it cannot listen on the address.
    pub fn serve_ops(&mut self, config: &OpsConfig, health: Health) -> Result<(), Failure> {
        let ops = OpsServer::bind(config, self.metrics.clone(), health)?;
        say(format_args!("ops http://{}", ops.address()));
        let until = self.ops_stop.clone();
        self.tasks.spawn("ops", OnFailure::StopAll, ops.run(until));
        Ok(())
    }

    /// Stops and joins the tasks of the process.
    pub(crate) async fn end(self) -> Result<(), Failure> {
        self.stop.cancel();
        self.ops_stop.cancel();
        let joined = self.tasks.join().await;
        let (traces, metrics) = (self.traces, self.metrics);
        let (exported, is_exported) = oneshot::channel();
        // Not a task of the runtime: its shutdown would wait for it.
        std::thread::spawn(move || {
            traces.end();
            metrics.end();
            exported.send(()).unwrap_or_default();
        });
        if timeout(LAST_EXPORT, is_exported).await.is_err() {
            warn!("failed to export the last spans and metrics: the collector does not respond");
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
