//! One edge node: composes its parts and stops them.

use std::net::SocketAddr;
use std::sync::Arc;

use fanjet_cluster::{Part, Presence};
use fanjet_log::memory::MemoryClusterState;
use fanjet_log::{ClusterState, EventLog, RawLog, ReadLimit};
use fanjet_runtime::{Clock, OnFailure, Promptness, Stop, SystemClock, Tasks};
use fanjet_telemetry::{Health, HealthReport};
use opentelemetry::metrics::Meter;
use opentelemetry_sdk::trace::SdkTracer;

use crate::damage::DamageReports;
use crate::http::{
    Admission, AdmitContext, Descriptors, FirehoseContext, HttpContext, ServedDictionaries, Server,
    WorkerContext,
};
use crate::hub::{CEILING, ShardLimits};
use crate::limits::FilterMemory;
use crate::metrics::{Metrics, WorkerNumbers, observe_skipped_seqs};
use crate::probe::ReadinessProbe;
use crate::raw::{RawFeeder, RawMetrics, RawStream};
use crate::replay::{
    Loader, LocalTier, LogLookups, MAX_ENTRIES, PageRequests, StartResolver, TierWriter,
};
use crate::shutdown::Shutdown;
use crate::sockets::WriteStalls;
use crate::status::{Cluster, ClusterWatcher, StatusChannel, StatusSampler};
use crate::subscriber::{InboundLimits, MaxAge, SubscriberContext, Timeouts};
use crate::tail::{Compression, Feeder, Pool, Tail, Traces};
use crate::{EdgeConfig, EdgeError, Readiness};

/// The dependencies of a node.
pub struct EdgeDeps {
    /// The log to follow.
    pub log: Arc<dyn EventLog>,
    /// State shared by the processes of the cluster.
    pub cluster_state: Arc<dyn ClusterState>,
    /// The clock that lag is measured with.
    pub clock: Arc<dyn Clock>,
    /// A unique name of this process, `host/pid/random`.
    pub instance: String,
    /// Exports the spans of traced events; `None` when nothing is exported.
    pub tracer: Option<SdkTracer>,
}

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
        Self::start_with_raw(config, deps, None, meter, stop)
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
        let EdgeDeps {
            log,
            cluster_state,
            clock,
            instance,
            tracer,
        } = deps;
        config.drain.check()?;
        let shutdown = Shutdown::new(stop);
        let metrics = Metrics::new(meter);
        observe_skipped_seqs(meter, &log);
        let pool =
            Pool::new(&config.tail.collections).map_err(|error| EdgeError::Pool(error.answer()))?;
        let tail = Tail::new(&config.tail, pool);
        let page_requests = PageRequests::new(Arc::clone(&tail.ring), config.replay.cache_bytes);
        let page_requests = Arc::new(page_requests);
        let tier = (config.disk.max_bytes > 0).then(|| LocalTier::new(tail.clone()));
        let damage_reports = DamageReports::new(metrics.clone());
        let readiness = ReadinessProbe {
            tail: Arc::clone(&tail.status),
            fresh_within: config.tail.fresh_within,
            shutdown_requested: shutdown.requested.clone(),
        };
        let channel = Arc::new(StatusChannel::new(config.http.max_status_viewers));
        let cluster = Arc::<Cluster>::default();
        let inbound = InboundLimits::of(&config, metrics.clone());
        let descriptors = Descriptors::of_this_process();
        let admit_context = AdmitContext {
            max_url_bytes: config.http.max_url_bytes,
            trusted_proxies: config.http.trusted_proxies.clone(),
            tail: tail.clone(),
            starts: StartResolver {
                lookups: Arc::new(LogLookups::new(Arc::clone(&log), metrics.clone())),
                tail: tail.clone(),
                page_requests: Arc::clone(&page_requests),
                tier: tier.clone(),
                timeout: config.replay.cursor_timeout,
                clock: Arc::clone(&clock),
                damage_reports: damage_reports.clone(),
            },
            admission: Arc::new(Admission::new(&config, descriptors)?),
            filter_memory: FilterMemory::of(&config.limits),
            inbound: inbound.clone(),
            metrics: metrics.clone(),
            draining: shutdown.draining.clone(),
        };
        let compression = Compression::load(&config.zstd)?;
        let is_encrypted = config.http.is_encrypted();
        let context = HttpContext {
            admit_context,
            subscribers: Arc::new(SubscriberContext {
                timeouts: Timeouts::of(&config),
                pool: Arc::clone(&tail.pool),
                inbound,
                max_age: MaxAge::new(config.subscriber.max_age),
            }),
            dictionaries: ServedDictionaries::of(&compression),
            clock: Arc::clone(&clock),
            channel: Arc::clone(&channel),
            max_status_viewers: config.http.max_status_viewers,
            cluster: Arc::clone(&cluster),
            metrics: metrics.clone(),
            draining: shutdown.draining.clone(),
        };
        #[cfg(feature = "fault-injection")]
        let hubs = Arc::default();
        let workers = WorkerContext {
            limits: ShardLimits::of(&config),
            promptness: Promptness::new(config.hub.promptness, CEILING),
            numbers: Arc::new(WorkerNumbers::up_to(config.http.worker_count())),
            spread: config.drain.spread,
            tail: tail.clone(),
            page_requests: Arc::clone(&page_requests),
            compression,
            write_stalls: Arc::new(WriteStalls::new(config.subscriber.write_stall_timeout)),
            metrics: metrics.clone(),
            shutdown: shutdown.clone(),
            #[cfg(feature = "fault-injection")]
            hubs: Arc::clone(&hubs),
        };
        let tls = config.http.tls()?;
        let raw = raw.map(|log| RawFeeder {
            log,
            stream: Arc::new(RawStream::new(config.raw.clone())),
            metrics: RawMetrics::new(meter),
        });
        let firehose = raw
            .as_ref()
            .map(|raw| FirehoseContext::new(&config, raw, &context));
        let server = Server::bind(
            &config,
            tls.clone(),
            descriptors,
            context,
            firehose,
            workers,
        )?;
        let addr = server.addr();
        let writer = tier.clone().map(|tier| TierWriter {
            log: Arc::clone(&log),
            tail: tail.clone(),
            tier,
            metrics: metrics.clone(),
            clock: Arc::clone(&clock),
            config: config.disk.clone(),
            limit: ReadLimit {
                entries: MAX_ENTRIES,
                bytes: config.replay.page_bytes,
            },
        });
        let loader = Loader {
            log: Arc::clone(&log),
            tier,
            page_requests,
            collections: Arc::clone(&tail.collections),
            damage_reports: damage_reports.clone(),
            metrics: metrics.clone(),
            config: config.replay.clone(),
            retry: config.tail.clone(),
        };
        let presence = Presence::new(Part::Edge, &instance, clock.now_us());
        let sampler = StatusSampler {
            channel,
            tail: tail.clone(),
            metrics: metrics.clone(),
            cluster: Arc::clone(&cluster),
            readiness: readiness.clone(),
            clock: Arc::clone(&clock),
        };
        let watcher = ClusterWatcher {
            cluster_state,
            cluster,
            readiness: readiness.clone(),
            clock: Arc::clone(&clock),
        };
        let feeder = Feeder::new(log, tail, metrics, clock, config.tail.clone())
            .traced_by(Traces::new(tracer))
            .reporting(damage_reports);
        let mut tasks = Tasks::new(shutdown.draining.clone());
        let (grace, finished) = (config.drain.grace, shutdown.finished.clone());
        tasks.spawn("tail", OnFailure::StopAll, feeder.run(finished.clone()));
        tasks.spawn("replay", OnFailure::StopAll, loader.run(finished.clone()));
        if let Some(writer) = writer {
            tasks.spawn("disk", OnFailure::Log, writer.run(finished.clone()));
        }
        if let Some(raw) = raw {
            tasks.spawn("raw tail", OnFailure::StopAll, raw.run(finished.clone()));
        }
        let watching = watcher.run(presence, config.status.refresh, finished.clone());
        if let Some(tls) = tls {
            tasks.spawn("tls", OnFailure::Log, tls.keep_current(finished.clone()));
        }
        tasks.spawn("status", OnFailure::StopAll, sampler.run(finished));
        tasks.spawn("cluster", OnFailure::Log, watching);
        tasks.spawn("shutdown", OnFailure::StopAll, shutdown.clone().run(grace));
        tasks.spawn("http", OnFailure::StopAll, serve(server, shutdown));
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

/// A running edge node. Dropping it stops the node immediately.
pub struct EdgeHandle {
    addr: SocketAddr,
    is_encrypted: bool,
    readiness: ReadinessProbe,
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
