//! What a service finds around itself.

use std::fmt::Display;
use std::io::{self, Write};

use fanjet_actors::{OnFailure, Stop, Tasks, stop_on_signal};
use fanjet_telemetry::{Health, Metrics, OpsConfig, OpsServer};
use opentelemetry::metrics::Meter;

use crate::Failure;

/// The running process.
#[derive(Debug)]
pub struct Process {
    stop: Stop,
    /// The ops server outlives the drain, so that probes see it.
    ops_stop: Stop,
    metrics: Metrics,
    tasks: Tasks,
}

impl Process {
    pub(crate) fn new() -> Result<Self, Failure> {
        let stop = Stop::new();
        let mut tasks = Tasks::new(stop.clone());
        tasks.spawn("signals", OnFailure::StopAll, stop_on_signal(stop.clone()));
        Ok(Self {
            stop,
            ops_stop: Stop::new(),
            metrics: Metrics::new()?,
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

    /// A name that no other process has, and that tells an operator which one it is: `host/pid/random`.
    pub fn instance(&self) -> String {
        let host = self.host();
        let random: u32 = rand::random();
        format!("{host}/{}/{random:08x}", std::process::id())
    }

    /// What the machine is called, in visible ASCII characters.
    pub fn host(&self) -> String {
        let system = rustix::system::uname();
        let host = system.nodename().to_string_lossy();
        host.chars()
            .filter(char::is_ascii_graphic)
            .take(128)
            .collect()
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
        say(format_args!("ops http://{}", ops.address()))?;
        let until = self.ops_stop.clone();
        self.tasks.spawn("ops", OnFailure::StopAll, ops.run(until));
        Ok(())
    }

    /// Stops what belongs to the process and waits for it.
    pub(crate) async fn end(self) -> Result<(), Failure> {
        self.stop.cancel();
        self.ops_stop.cancel();
        Ok(self.tasks.join().await?)
    }
}

/// One line on stdout, where people and scripts learn what they need to connect.
///
/// # Errors
/// When stdout is closed.
pub fn say(line: impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}
