//! One edge node: composes the parts and stops them.

use std::net::SocketAddr;
use std::sync::Arc;

use fanjet_actors::{Clock, OnFailure, Stop, SystemClock, Tasks};
use fanjet_cluster::Part;
use fanjet_cluster::announcer::Announcer;
use fanjet_log::memory::MemoryNotices;
use fanjet_log::{EventLog, Notices};
use fanjet_telemetry::{Health, HealthReport};
use opentelemetry::metrics::Meter;
use opentelemetry_sdk::trace::SdkTracer;
use tokio::time::Instant;

use crate::ending::Ending;
use crate::http::{Admission, Connections, Server};
use crate::limits::{FilterMemory, InboundMemory};
use crate::metrics::{Metrics, show_passed_over};
use crate::replay::{Damages, Desk, Loader, Questions, Starts};
use crate::sockets::Stalls;
use crate::status::{Board, Cluster, Keeper, Listener};
use crate::subscriber::Ages;
use crate::tail::{Compression, Feeder, Pool, Tail, Traces};
use crate::{EdgeConfig, EdgeError, NotReady, Readiness};

/// What all parts of a node share.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) config: Arc<EdgeConfig>,
    pub(crate) tail: Tail,
    pub(crate) desk: Arc<Desk>,
    pub(crate) starts: Starts,
    pub(crate) compression: Compression,
    pub(crate) connections: Arc<Connections>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) inbound_memory: Arc<InboundMemory>,
    pub(crate) filter_memory: Arc<FilterMemory>,
    pub(crate) metrics: Metrics,
    pub(crate) board: Arc<Board>,
    pub(crate) stalls: Arc<Stalls>,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) ages: Arc<Ages>,
    pub(crate) ending: Ending,
    #[cfg(feature = "fault-injection")]
    pub(crate) hubs: Arc<parking_lot::Mutex<Vec<actix::Addr<crate::hub::Hub>>>>,
}

/// What a node finds around itself.
pub struct Surroundings {
    /// The log that it follows.
    pub log: Arc<dyn EventLog>,
    /// What the processes of the cluster tell each other.
    pub notices: Arc<dyn Notices>,
    /// What lag is measured by.
    pub clock: Arc<dyn Clock>,
    /// A name that no other process has, `host/pid/random`.
    pub instance: String,
    /// Where the way of traced events is shown; `None` when nobody would see it.
    pub tracer: Option<SdkTracer>,
}

/// An edge node.
#[derive(Debug)]
pub struct Edge;

impl Edge {
    /// Binds and begins to follow the log and to serve. A log that is away is waited for; clients are refused
    /// with 503 until it has answered once. Must be called within a tokio runtime.
    ///
    /// The node ends when `stop` is triggered, or triggers it itself when it cannot go on. It takes the time of
    /// [`DrainConfig`](crate::config::DrainConfig) for it.
    ///
    /// # Errors
    /// [`EdgeError::Listen`], [`EdgeError::Tls`], [`EdgeError::Pool`], [`EdgeError::Compression`], [`EdgeError::Drain`].
    pub fn start(
        config: EdgeConfig,
        log: Arc<dyn EventLog>,
        meter: &Meter,
        stop: Stop,
    ) -> Result<EdgeHandle, EdgeError> {
        let surroundings = Surroundings {
            log,
            notices: Arc::new(MemoryNotices::default()),
            clock: Arc::new(SystemClock),
            instance: "alone".to_owned(),
            tracer: None,
        };
        Self::start_in(config, surroundings, meter, stop)
    }

    /// As [`Edge::start`], in a cluster whose processes tell each other things.
    ///
    /// # Errors
    /// As [`Edge::start`].
    pub fn start_in(
        config: EdgeConfig,
        surroundings: Surroundings,
        meter: &Meter,
        stop: Stop,
    ) -> Result<EdgeHandle, EdgeError> {
        let Surroundings {
            log,
            notices,
            clock,
            instance,
            tracer,
        } = surroundings;
        config.drain.check()?;
        let ending = Ending::new(stop);
        let metrics = Metrics::new(meter);
        show_passed_over(meter, &log);
        let pool =
            Pool::new(&config.tail.collections).map_err(|error| EdgeError::Pool(error.answer()))?;
        let tail = Tail::new(&config.tail, pool);
        let desk = Desk::new(Arc::clone(&tail.ring), config.replay.cache_bytes);
        let desk = Arc::new(desk);
        let damages = Damages::new(metrics.clone());
        let starts = Starts {
            questions: Arc::new(Questions::new(Arc::clone(&log), metrics.clone())),
            tail: tail.clone(),
            desk: Arc::clone(&desk),
            patience: config.replay.cursor_timeout,
            clock: Arc::clone(&clock),
            damages: damages.clone(),
        };
        let node = Node {
            tail: tail.clone(),
            desk: Arc::clone(&desk),
            starts,
            compression: Compression::load(&config.zstd)?,
            connections: Arc::new(Connections::new(&config.http, metrics.clone())),
            admission: Arc::new(Admission::new(&config)?),
            filter_memory: Arc::new(config.limits.filter_memory()),
            inbound_memory: Arc::new(config.limits.inbound_memory(&config.subscriber)),
            metrics: metrics.clone(),
            board: Arc::new(Board::new(config.http.max_status_viewers)),
            stalls: Arc::new(Stalls::new(config.subscriber.write_stall_timeout)),
            cluster: Arc::default(),
            ages: Arc::new(Ages::new(config.subscriber.max_age)),
            ending: ending.clone(),
            config: Arc::new(config),
            #[cfg(feature = "fault-injection")]
            hubs: Arc::default(),
        };
        let tls = node.config.http.tls()?;
        let server = Server::bind(&node, tls.clone())?;
        let addr = server.addr();
        let loader = Loader {
            log: Arc::clone(&log),
            desk,
            collections: Arc::clone(&tail.collections),
            damages: damages.clone(),
            metrics: metrics.clone(),
            config: node.config.replay.clone(),
            retry: node.config.tail.clone(),
        };
        let announcer = Announcer::new(
            Arc::clone(&notices),
            Arc::clone(&clock),
            Part::Edge,
            &instance,
        );
        let keeper = Keeper::new(node.clone(), Arc::clone(&clock));
        let feeder = Feeder::new(log, tail, metrics, clock, node.config.tail.clone())
            .traced_by(Traces::new(tracer))
            .reporting(damages);
        let mut tasks = Tasks::new(ending.draining.clone());
        let (grace, over) = (node.config.drain.grace, ending.over.clone());
        tasks.spawn("tail", OnFailure::StopAll, feeder.run(over.clone()));
        tasks.spawn("replay", OnFailure::StopAll, loader.run(over.clone()));
        let refresh = node.config.status.refresh;
        let listener = Listener::new(node.clone(), notices);
        let listening = listener.run(announcer, refresh, over.clone());
        if let Some(tls) = tls {
            tasks.spawn("tls", OnFailure::Log, tls.keep_current(over.clone()));
        }
        tasks.spawn("status", OnFailure::StopAll, keeper.run(over));
        tasks.spawn("cluster", OnFailure::Log, listening);
        tasks.spawn("ending", OnFailure::StopAll, ending.clone().run(grace));
        tasks.spawn("http", OnFailure::StopAll, serve(server, ending));
        Ok(EdgeHandle { addr, node, tasks })
    }
}

/// A running edge node. Dropping it ends the node at once.
pub struct EdgeHandle {
    addr: SocketAddr,
    node: Node,
    tasks: Tasks,
}

impl EdgeHandle {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        let scheme = match self.node.config.http.is_encrypted() {
            true => "wss",
            false => "ws",
        };
        format!("{scheme}://{}", self.addr)
    }

    /// Whether it should get clients now. Cheap.
    pub fn readiness(&self) -> Readiness {
        readiness(&self.node)
    }

    /// Asks for the readiness later, apart from the handle.
    pub fn readiness_probe(&self) -> impl Fn() -> Readiness + Send + Sync + 'static {
        let node = self.node.clone();
        move || readiness(&node)
    }

    /// The readiness, as health probes ask for it.
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
        for hub in self.node.hubs.lock().drain(..) {
            // A hub that is gone already needs no crash.
            let _gone = hub.try_send(crate::hub::Crash).is_err();
        }
    }
}

/// Serves until nobody is left, or the time for that is over. However it ends, nothing is left to read the log for.
async fn serve(server: Server, ending: Ending) -> Result<(), EdgeError> {
    let served = server.run(ending.draining).await;
    ending.over.cancel();
    served
}

pub(crate) fn readiness(node: &Node) -> Readiness {
    let fresh_within = node.config.tail.fresh_within;
    let draining = node
        .ending
        .asked
        .is_cancelled()
        .then_some(NotReady::Draining);
    Readiness {
        reasons: node
            .tail
            .status
            .objection(Instant::now(), fresh_within)
            .into_iter()
            .chain(draining)
            .collect(),
    }
}
