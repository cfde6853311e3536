//! One edge node: composes the parts and stops them.

use std::net::SocketAddr;
use std::sync::Arc;

use fanjet_cluster::{Part, Presence};
use fanjet_log::memory::MemoryClusterState;
use fanjet_log::{ClusterState, EventLog};
use fanjet_runtime::{Clock, OnFailure, Promptness, Stop, SystemClock, Tasks};
use fanjet_telemetry::{Health, HealthReport};
use opentelemetry::metrics::Meter;
use opentelemetry_sdk::trace::SdkTracer;

use crate::damage::Damages;
use crate::ending::Ending;
use crate::http::{Admission, Entrance, HttpContext, Server, WorkerContext};
use crate::hub::{CEILING, ShardLimits};
use crate::limits::FilterMemory;
use crate::metrics::{Metrics, WorkerNumbers, show_passed_over};
use crate::probe::ReadinessProbe;
use crate::replay::{Desk, Loader, Questions, Starts};
use crate::sockets::Stalls;
use crate::status::{Board, Cluster, Keeper, Listener};
use crate::subscriber::{Ages, InboundLimits, SubscriberContext, Timeouts};
use crate::tail::{Compression, Feeder, Pool, Tail, Traces};
use crate::{EdgeConfig, EdgeError, Readiness};

/// What a node finds around itself.
pub struct Surroundings {
    /// The log that it follows.
    pub log: Arc<dyn EventLog>,
    /// What the processes of the cluster tell each other.
    pub notices: Arc<dyn ClusterState>,
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
            notices: Arc::new(MemoryClusterState::default()),
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
        let readiness = ReadinessProbe {
            tail: Arc::clone(&tail.status),
            fresh_within: config.tail.fresh_within,
            asked: ending.asked.clone(),
        };
        let board = Arc::new(Board::new(config.http.max_status_viewers));
        let cluster = Arc::<Cluster>::default();
        let inbound = InboundLimits::of(&config, metrics.clone());
        let entrance = Entrance {
            max_url_bytes: config.http.max_url_bytes,
            trusted_proxies: config.http.trusted_proxies.clone(),
            tail: tail.clone(),
            starts: Starts {
                questions: Arc::new(Questions::new(Arc::clone(&log), metrics.clone())),
                tail: tail.clone(),
                desk: Arc::clone(&desk),
                patience: config.replay.cursor_timeout,
                clock: Arc::clone(&clock),
                damages: damages.clone(),
            },
            admission: Arc::new(Admission::new(&config)?),
            filter_memory: FilterMemory::of(&config.limits),
            inbound: inbound.clone(),
            metrics: metrics.clone(),
            draining: ending.draining.clone(),
        };
        let is_encrypted = config.http.is_encrypted();
        let context = HttpContext {
            entrance,
            subscribers: Arc::new(SubscriberContext {
                timeouts: Timeouts::of(&config),
                pool: Arc::clone(&tail.pool),
                inbound,
                ages: Ages::new(config.subscriber.max_age),
            }),
            clock: Arc::clone(&clock),
            board: Arc::clone(&board),
            max_status_viewers: config.http.max_status_viewers,
            cluster: Arc::clone(&cluster),
            metrics: metrics.clone(),
            draining: ending.draining.clone(),
        };
        #[cfg(feature = "fault-injection")]
        let hubs = Arc::default();
        let workers = WorkerContext {
            limits: ShardLimits::of(&config),
            promptness: Promptness::new(config.hub.promptness, CEILING),
            numbers: Arc::new(WorkerNumbers::up_to(config.http.worker_count())),
            spread: config.drain.spread,
            tail: tail.clone(),
            desk: Arc::clone(&desk),
            compression: Compression::load(&config.zstd)?,
            stalls: Arc::new(Stalls::new(config.subscriber.write_stall_timeout)),
            metrics: metrics.clone(),
            ending: ending.clone(),
            #[cfg(feature = "fault-injection")]
            hubs: Arc::clone(&hubs),
        };
        let tls = config.http.tls()?;
        let server = Server::bind(&config, tls.clone(), context, workers)?;
        let addr = server.addr();
        let loader = Loader {
            log: Arc::clone(&log),
            desk,
            collections: Arc::clone(&tail.collections),
            damages: damages.clone(),
            metrics: metrics.clone(),
            config: config.replay.clone(),
            retry: config.tail.clone(),
        };
        let presence = Presence::new(Part::Edge, &instance, clock.now_us());
        let keeper = Keeper {
            board,
            tail: tail.clone(),
            metrics: metrics.clone(),
            cluster: Arc::clone(&cluster),
            readiness: readiness.clone(),
            clock: Arc::clone(&clock),
        };
        let listener = Listener {
            notices,
            cluster,
            readiness: readiness.clone(),
            clock: Arc::clone(&clock),
        };
        let feeder = Feeder::new(log, tail, metrics, clock, config.tail.clone())
            .traced_by(Traces::new(tracer))
            .reporting(damages);
        let mut tasks = Tasks::new(ending.draining.clone());
        let (grace, over) = (config.drain.grace, ending.over.clone());
        tasks.spawn("tail", OnFailure::StopAll, feeder.run(over.clone()));
        tasks.spawn("replay", OnFailure::StopAll, loader.run(over.clone()));
        let listening = listener.run(presence, config.status.refresh, over.clone());
        if let Some(tls) = tls {
            tasks.spawn("tls", OnFailure::Log, tls.keep_current(over.clone()));
        }
        tasks.spawn("status", OnFailure::StopAll, keeper.run(over));
        tasks.spawn("cluster", OnFailure::Log, listening);
        tasks.spawn("ending", OnFailure::StopAll, ending.clone().run(grace));
        tasks.spawn("http", OnFailure::StopAll, serve(server, ending));
        Ok(EdgeHandle {
            addr,
            is_encrypted,
            readiness,
            tasks,
            #[cfg(feature = "fault-injection")]
            hubs,
        })
    }
}

/// A running edge node. Dropping it ends the node at once.
pub struct EdgeHandle {
    addr: SocketAddr,
    is_encrypted: bool,
    readiness: ReadinessProbe,
    tasks: Tasks,
    #[cfg(feature = "fault-injection")]
    hubs: Arc<parking_lot::Mutex<Vec<actix::Addr<crate::hub::Hub>>>>,
}

impl EdgeHandle {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        let scheme = match self.is_encrypted {
            true => "wss",
            false => "ws",
        };
        format!("{scheme}://{}", self.addr)
    }

    /// Whether it should get clients now. Cheap.
    pub fn readiness(&self) -> Readiness {
        self.readiness.ask()
    }

    /// Asks for the readiness later, apart from the handle.
    pub fn readiness_probe(&self) -> impl Fn() -> Readiness + Send + Sync + 'static {
        let readiness = self.readiness.clone();
        move || readiness.ask()
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
        for hub in self.hubs.lock().drain(..) {
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
