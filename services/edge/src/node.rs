//! The parts of a node, wired together. Sockets belong to the caller.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fanjet_cluster::{Part, Presence};
use fanjet_event::Did;
use fanjet_log::{ClusterState, EventLog, LabelsConfig, RawLog, ReadLimit};
use fanjet_runtime::{Clock, OnFailure, Promptness, Stop, Tasks};
use hashbrown::HashMap;
use opentelemetry::metrics::Meter;
use opentelemetry_sdk::trace::SdkTracer;
use tokio::sync::Semaphore;

use crate::config::LabelsServeConfig;
use crate::damage::DamageReports;
use crate::http::{
    Admission, AdmitContext, Descriptors, FirehoseContext, HttpContext, LabelsContext,
    ServedDictionaries, WorkerContext,
};
use crate::hub::{CEILING, ShardLimits};
use crate::limits::FilterMemory;
use crate::metrics::{Metrics, WorkerNumbers, observe_skipped_seqs};
use crate::probe::ReadinessProbe;
use crate::raw::{RawFeeder, RawMetrics, RawStream, View};
use crate::replay::{
    Loader, LocalTier, LogLookups, MAX_ENTRIES, PageRequests, StartResolver, TierWriter,
};
use crate::shutdown::Shutdown;
use crate::sockets::WriteStalls;
use crate::status::{Cluster, ClusterWatcher, StatusChannel, StatusSampler};
use crate::subscriber::{InboundLimits, MaxAge, SubscriberContext, Timeouts};
use crate::tail::{Compression, Feeder, Pool, Tail, Traces};
use crate::{EdgeConfig, EdgeError};

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

/// The logs that a node may serve beside that of events.
#[derive(Debug, Clone, Default)]
pub struct OtherLogs {
    /// The raw log.
    pub raw: Option<RawLog>,
    /// The log of labels.
    pub labels: Option<LabelsLog>,
}

/// The log of labels, and which labelers are also served one by one.
#[derive(Debug, Clone)]
pub struct LabelsLog {
    log: RawLog,
    labelers: BTreeSet<Did>,
}

impl LabelsLog {
    /// A log of these labelers.
    pub fn new(log: RawLog, config: &LabelsConfig) -> Self {
        let labelers = config.dids();
        Self { log, labelers }
    }

    /// What follows it. Half of the memory is for the stream of all labelers.
    fn feeder(self, config: &LabelsServeConfig, meter: &Meter) -> RawFeeder {
        let reads = Arc::new(Semaphore::new(config.max_loads));
        let stream = |view, streams| {
            let reads = Arc::clone(&reads);
            Arc::new(RawStream::of(view, config.of_each(streams), reads))
        };
        let singles = self.labelers.len().max(1) * 2;
        let parts = self.labelers.into_iter();
        RawFeeder {
            log: self.log,
            stream: stream(View::Labels, 2),
            parts: parts
                .map(|did| (did.clone(), stream(View::Labeler(did), singles)))
                .collect(),
            metrics: RawMetrics::of_labels(meter),
        }
    }
}

/// A node that is not running yet.
pub(crate) struct Node {
    /// What requests are served from.
    pub(crate) context: HttpContext,
    /// What requests for the raw stream are served from; `None` when this node does not serve it.
    pub(crate) firehose: Option<FirehoseContext>,
    /// What requests for labels are served from; `None` when this node does not serve them.
    pub(crate) labels: Option<LabelsContext>,
    pub(crate) workers: WorkerContext,
    pub(crate) background: Background,
}

/// The tasks of a node, except those that accept clients.
pub(crate) struct Background {
    feeder: Feeder,
    loader: Loader,
    writer: Option<TierWriter>,
    raw: Option<RawFeeder>,
    labels: Option<RawFeeder>,
    sampler: StatusSampler,
    watcher: ClusterWatcher,
    presence: Presence,
    refresh: Duration,
    pub(crate) readiness: ReadinessProbe,
    pub(crate) shutdown: Shutdown,
    grace: Duration,
}

impl Background {
    /// The node's metrics.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.loader.metrics
    }
}

impl Node {
    /// Wires the parts. Nothing runs before [`Background::spawn`].
    ///
    /// # Errors
    /// [`EdgeError::Pool`], [`EdgeError::Compression`], [`EdgeError::Drain`].
    pub(crate) fn new(
        config: &EdgeConfig,
        deps: EdgeDeps,
        others: OtherLogs,
        descriptors: Descriptors,
        meter: &Meter,
        stop: Stop,
    ) -> Result<Self, EdgeError> {
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
        let inbound = InboundLimits::of(config, metrics.clone());
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
            admission: Arc::new(Admission::new(config, descriptors)?),
            filter_memory: FilterMemory::of(&config.limits),
            inbound: inbound.clone(),
            metrics: metrics.clone(),
            draining: shutdown.draining.clone(),
        };
        let compression = Compression::load(&config.zstd)?;
        let context = HttpContext {
            admit_context,
            subscribers: Arc::new(SubscriberContext {
                timeouts: Timeouts::of(config),
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
        let workers = WorkerContext {
            limits: ShardLimits::of(config),
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
            hubs: Arc::default(),
        };
        let raw = others.raw.map(|log| RawFeeder {
            log,
            stream: Arc::new(RawStream::new(config.raw.clone())),
            parts: HashMap::new(),
            metrics: RawMetrics::new(meter),
        });
        let firehose = raw
            .as_ref()
            .map(|raw| FirehoseContext::new(config, raw, &context))
            .transpose()?;
        let labels_feeder = others.labels.map(|log| log.feeder(&config.labels, meter));
        let labels = labels_feeder
            .as_ref()
            .map(|feeder| LabelsContext::new(config, feeder, &context));
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
        Ok(Self {
            context,
            firehose,
            labels,
            workers,
            background: Background {
                feeder,
                loader,
                writer,
                raw,
                labels: labels_feeder,
                sampler,
                watcher,
                presence,
                refresh: config.status.refresh,
                readiness,
                shutdown,
                grace: config.drain.grace,
            },
        })
    }
}

impl Background {
    /// Starts the tasks. They end when all clients have left.
    pub(crate) fn spawn(self) -> Tasks {
        let Shutdown {
            draining, finished, ..
        } = self.shutdown.clone();
        let mut tasks = Tasks::new(draining);
        let (feeder, loader) = (self.feeder, self.loader);
        tasks.spawn("tail", OnFailure::StopAll, feeder.run(finished.clone()));
        tasks.spawn("replay", OnFailure::StopAll, loader.run(finished.clone()));
        if let Some(writer) = self.writer {
            tasks.spawn("disk", OnFailure::Log, writer.run(finished.clone()));
        }
        if let Some(raw) = self.raw {
            tasks.spawn("raw tail", OnFailure::StopAll, raw.run(finished.clone()));
        }
        if let Some(labels) = self.labels {
            let following = labels.run(finished.clone());
            tasks.spawn("labels tail", OnFailure::StopAll, following);
        }
        let watching = self
            .watcher
            .run(self.presence, self.refresh, finished.clone());
        tasks.spawn("status", OnFailure::StopAll, self.sampler.run(finished));
        tasks.spawn("cluster", OnFailure::Log, watching);
        let shutdown = self.shutdown.run(self.grace);
        tasks.spawn("shutdown", OnFailure::StopAll, shutdown);
        tasks
    }
}
