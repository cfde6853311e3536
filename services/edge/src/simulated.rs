//! A node without sockets, for a cluster in simulated time: real parts, one worker, all on the calling thread.
//!
//! Never part of a released program.

use std::cell::RefCell;
use std::net::SocketAddr;

use fanjet_log::RawLog;
use fanjet_runtime::{Stop, Tasks, seed_jitter};
use opentelemetry::metrics::Meter;
use tokio::io::DuplexStream;
use tokio::task::JoinSet;

use crate::http::{Descriptors, HttpContext, Worker, subscribe_without_socket};
use crate::node::{EdgeDeps, Node, OtherLogs};
use crate::probe::ReadinessProbe;
use crate::shutdown::Shutdown;
use crate::{EdgeConfig, EdgeError, Readiness};

/// A running node. Dropping it is a crash: its tasks end at once, and so do the connections of its clients.
pub struct SimulatedEdge {
    context: HttpContext,
    worker: Worker,
    readiness: ReadinessProbe,
    shutdown: Shutdown,
    tasks: Tasks,
    subscribers: RefCell<JoinSet<()>>,
    _hub: HubEnd,
}

/// Ends the hub, which is not one of the tasks.
struct HubEnd(Stop);

impl Drop for HubEnd {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Runs a future in simulated time: when nothing can run, time jumps to the next timer. Where tokio allows it (built with
/// `--cfg tokio_unstable`), its choice between branches that are ready follows `seed`.
///
/// # Panics
/// When no runtime can be built.
#[allow(
    clippy::expect_used,
    reason = "nothing can be simulated without a runtime"
)]
pub fn block_on<T>(seed: u64, future: impl Future<Output = T>) -> T {
    seed_jitter(seed);
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        #[cfg(tokio_unstable)]
        builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()));
        builder
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime")
    };
    actix::System::with_tokio_rt(runtime).block_on(future)
}

/// Why a node refused a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// The message of the response.
    pub message: String,
}

impl SimulatedEdge {
    /// Starts a node. Must be called within an actix system, whose thread it uses.
    ///
    /// # Errors
    /// As [`Edge::start`](crate::Edge::start), but for the listener.
    pub fn start(
        config: &EdgeConfig,
        deps: EdgeDeps,
        raw: Option<RawLog>,
        meter: &Meter,
        stop: Stop,
    ) -> Result<Self, EdgeError> {
        let descriptors = Descriptors::of_this_process();
        let others = OtherLogs { raw, labels: None };
        let node = Node::new(config, deps, others, descriptors, meter, stop)?;
        let worker = Worker::start(node.workers);
        let shutdown = node.background.shutdown.clone();
        Ok(Self {
            context: node.context,
            worker,
            readiness: node.background.readiness.clone(),
            tasks: node.background.spawn(),
            subscribers: RefCell::default(),
            _hub: HubEnd(shutdown.draining.clone()),
            shutdown,
        })
    }

    /// Connects a client to `target`, a path with a query; returns its end of the connection.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn subscribe(
        &self,
        target: &str,
        client: SocketAddr,
        buffer: usize,
    ) -> Result<DuplexStream, Refused> {
        let (context, worker) = (&self.context, &self.worker);
        let (subscriber, client) =
            subscribe_without_socket(target, client, buffer, context, worker)
                .await
                .map_err(|refusal| Refused {
                    status: refusal.status().as_u16(),
                    message: refusal.text(),
                })?;
        let mut subscribers = self.subscribers.borrow_mut();
        while subscribers.try_join_next().is_some() {}
        subscribers.spawn_local(subscriber);
        Ok(client)
    }

    /// Whether the node should receive clients now.
    pub fn readiness(&self) -> Readiness {
        self.readiness.ask()
    }

    /// Waits until the node was stopped and has drained.
    ///
    /// # Errors
    /// [`EdgeError::Task`] with the failure that ended it.
    pub async fn join(self) -> Result<(), EdgeError> {
        self.shutdown.draining.cancelled().await;
        let mut subscribers = self.subscribers.into_inner();
        while subscribers.join_next().await.is_some() {}
        self.shutdown.finished.cancel();
        Ok(self.tasks.join().await?)
    }
}
