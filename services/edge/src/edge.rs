//! One edge node: binds its listener, starts its parts and stops them.

use std::net::SocketAddr;
use std::sync::Arc;

use fanjet_log::memory::MemoryClusterState;
use fanjet_log::{EventLog, RawLog};
use fanjet_runtime::{OnFailure, Stop, SystemClock, Tasks};
use fanjet_telemetry::{Health, HealthReport};
use opentelemetry::metrics::Meter;

use crate::http::{Descriptors, Server};
use crate::metrics::Metrics;
use crate::node::{EdgeDeps, Node, OtherLogs};
use crate::probe::ReadinessProbe;
use crate::shutdown::Shutdown;
use crate::{EdgeConfig, EdgeError, Readiness};

/// An edge node.
#[derive(Debug)]
pub struct Edge;

impl Edge {
    /// Binds the listener, follows the log and serves clients. While the log is unavailable the node waits for it, and clients
    /// are refused with 503 until it has answered once. Must be called within a tokio runtime.
    ///
    /// The node ends when `stop` is triggered, and triggers it itself after a fatal failure. It drains as configured in
    /// [`DrainConfig`](crate::config::DrainConfig).
    ///
    /// # Errors
    /// [`EdgeError::Listen`], [`EdgeError::Tls`], [`EdgeError::Pool`], [`EdgeError::Compression`], [`EdgeError::Drain`].
    pub fn start(
        config: EdgeConfig,
        log: Arc<dyn EventLog>,
        meter: &Meter,
        stop: Stop,
    ) -> Result<EdgeHandle, EdgeError> {
        let deps = EdgeDeps {
            log,
            cluster_state: Arc::new(MemoryClusterState::default()),
            clock: Arc::new(SystemClock),
            instance: "alone".to_owned(),
            tracer: None,
        };
        Self::start_in(config, deps, meter, stop)
    }

    /// As [`Edge::start`], in a cluster of several processes.
    ///
    /// # Errors
    /// As [`Edge::start`].
    pub fn start_in(
        config: EdgeConfig,
        deps: EdgeDeps,
        meter: &Meter,
        stop: Stop,
    ) -> Result<EdgeHandle, EdgeError> {
        Self::start_with(config, deps, OtherLogs::default(), meter, stop)
    }

    /// As [`Edge::start_in`], also serving a raw log. The node does not wait for it: without it, its clients are refused.
    ///
    /// # Errors
    /// As [`Edge::start`].
    pub fn start_with_raw(
        config: EdgeConfig,
        deps: EdgeDeps,
        raw: Option<RawLog>,
        meter: &Meter,
        stop: Stop,
    ) -> Result<EdgeHandle, EdgeError> {
        let labels = None;
        Self::start_with(config, deps, OtherLogs { raw, labels }, meter, stop)
    }

    /// As [`Edge::start_in`], also serving other logs. The node does not wait for them: without one, its clients are refused.
    ///
    /// # Errors
    /// As [`Edge::start`].
    pub fn start_with(
        config: EdgeConfig,
        deps: EdgeDeps,
        others: OtherLogs,
        meter: &Meter,
        stop: Stop,
    ) -> Result<EdgeHandle, EdgeError> {
        let descriptors = Descriptors::of_this_process();
        let Node {
            context,
            firehose,
            labels,
            workers,
            background,
        } = Node::new(&config, deps, others, descriptors, meter, stop)?;
        #[cfg(feature = "fault-injection")]
        let hubs = Arc::clone(&workers.hubs);
        let tls = config.http.tls()?;
        let is_encrypted = config.http.is_encrypted();
        let server = Server::bind(
            &config,
            tls.clone(),
            descriptors,
            context,
            firehose,
            labels,
            workers,
        )?;
        let addr = server.addr();
        let readiness = background.readiness.clone();
        let metrics = background.metrics().clone();
        let shutdown = background.shutdown.clone();
        let mut tasks = background.spawn();
        if let Some(tls) = tls {
            let finished = shutdown.finished.clone();
            tasks.spawn("tls", OnFailure::Log, tls.keep_current(finished));
        }
        tasks.spawn("http", OnFailure::StopAll, serve(server, shutdown));
        Ok(EdgeHandle {
            addr,
            is_encrypted,
            readiness,
            metrics,
            tasks,
            #[cfg(feature = "fault-injection")]
            hubs,
        })
    }
}

/// A running edge node. Dropping it stops the node immediately.
pub struct EdgeHandle {
    addr: SocketAddr,
    is_encrypted: bool,
    readiness: ReadinessProbe,
    metrics: Metrics,
    tasks: Tasks,
    #[cfg(feature = "fault-injection")]
    hubs: Arc<parking_lot::Mutex<Vec<actix::Addr<crate::hub::Hub>>>>,
}

impl EdgeHandle {
    /// The address that it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL that clients connect to.
    pub fn url(&self) -> String {
        let scheme = match self.is_encrypted {
            true => "wss",
            false => "ws",
        };
        format!("{scheme}://{}", self.addr)
    }

    /// Whether the node has subscribers. Cheap; may be asked for as long as the process runs.
    pub fn has_subscribers(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let metrics = self.metrics.clone();
        move || metrics.connection_counts().is_any()
    }

    /// Whether the node should receive clients now. Cheap.
    pub fn readiness(&self) -> Readiness {
        self.readiness.ask()
    }

    /// A probe that reports the readiness without the handle.
    pub fn readiness_probe(&self) -> impl Fn() -> Readiness + Send + Sync + 'static {
        let readiness = self.readiness.clone();
        move || readiness.ask()
    }

    /// The readiness for health probes.
    pub fn health(&self) -> Health {
        let probe = self.readiness_probe();
        Health::new(move || {
            let reasons = probe().reasons.into_iter();
            HealthReport::of(reasons.map(|reason| (reason.label(), Err(reason.to_string()))))
        })
    }

    /// Waits until the node has ended.
    ///
    /// # Errors
    /// [`EdgeError::Task`] with the failure that ended it.
    pub async fn join(self) -> Result<(), EdgeError> {
        Ok(self.tasks.join().await?)
    }

    /// Panics every hub.
    #[cfg(feature = "fault-injection")]
    pub fn crash_hubs(&self) {
        for hub in self.hubs.lock().drain(..) {
            // A hub that has already ended needs no crash.
            let _gone = hub.try_send(crate::hub::Crash).is_err();
        }
    }
}

/// Serves until all clients have left or the deadline has passed. After that no client needs the log.
async fn serve(server: Server, shutdown: Shutdown) -> Result<(), EdgeError> {
    let served = server.run(shutdown.draining).await;
    shutdown.finished.cancel();
    served
}
