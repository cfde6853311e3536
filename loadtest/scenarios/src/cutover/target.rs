//! The system under test: a running path from a simulated firehose to `/subscribe`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use fanjet_testkit::Process;
use fanjet_tools::programs::{Profile, build};
use tokio::time::sleep;

use crate::cluster::Cluster;
use crate::http::get;
use crate::publication::Publication;
use crate::service::{Service, listening, simulator, stop};

/// So little memory that most cursors need the log.
const SETTINGS: [(&str, &str); 2] = [
    ("edge.tail.ring_bytes", "4000000"),
    ("edge.replay.cache_bytes", "2000000"),
];

const EDGES: usize = 3;

/// Deadline for the first event from the upstream to the status of an edge.
const FIRST_EVENT_WITHIN: Duration = Duration::from_secs(30);

/// The load.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Frames per second.
    pub(super) rate: u32,
    pub(super) frames: u64,
    pub(super) seed: u64,
}

/// Running processes. Dropping kills them.
pub(super) struct Target {
    /// The URLs for clients; all serve the same.
    pub(super) urls: Vec<String>,
    pub(super) published: Publication,
    processes: Processes,
}

/// Counters, summed over all edges.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Events that were read from the log for replays.
    pub(super) replayed: f64,
    /// Connections closed by the edges, by reason.
    pub(super) closed: BTreeMap<String, f64>,
}

enum Processes {
    Cluster(Cluster),
    Standalone { simulator: Process, node: Service },
}

impl Target {
    /// The seq of the oldest event, as reported by an edge.
    pub(super) async fn first_seq(&self) -> Result<u64> {
        let authority = self.urls[0].rsplit('/').next().unwrap_or_default();
        let began = Instant::now();
        loop {
            let (_, status) = get(authority, "/status").await?;
            let status: serde_json::Value = serde_json::from_str(&status)?;
            if let Some(seq) = status["log"]["oldest"]["seq"].as_u64() {
                return Ok(seq);
            }
            ensure!(
                began.elapsed() < FIRST_EVENT_WITHIN,
                "the status has no oldest event after {FIRST_EVENT_WITHIN:?}"
            );
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// simulator -> ingest -> nats-server -> edges.
    pub(super) async fn cluster(profile: Profile, load: Load) -> Result<Self> {
        let published = load.publication()?;
        let mut cluster = Cluster::start(EDGES, profile, published.flags(), &SETTINGS).await?;
        cluster.start_ingest()?;
        Ok(Self {
            urls: cluster.urls()?,
            published,
            processes: Processes::Cluster(cluster),
        })
    }

    /// simulator -> fanjet serve.
    pub(super) async fn standalone(profile: Profile, load: Load) -> Result<Self> {
        build(profile)?;
        let published = load.publication()?;
        let simulator = simulator(profile, published.flags())?;
        let upstream = listening(&simulator).await?;
        let data = published.folder().join("data").display().to_string();
        let own = [
            ("ingest.upstream.url", upstream.as_str()),
            ("embedded.path", &data),
        ];
        let node = Service::start(profile, "serve", &[own, SETTINGS].concat())?;
        node.wait_until_ready().await?;
        Ok(Self {
            urls: vec![node.url()?],
            published,
            processes: Processes::Standalone { simulator, node },
        })
    }

    /// The edges' counters.
    pub(super) async fn counted(&self) -> Result<Counted> {
        let nodes = match &self.processes {
            Processes::Cluster(cluster) => &cluster.edges[..],
            Processes::Standalone { node, .. } => std::slice::from_ref(node),
        };
        let mut counted = Counted::default();
        for node in nodes {
            let (_, metrics) = get(&node.ops, "/metrics").await?;
            counted.add(&metrics);
        }
        Ok(counted)
    }

    /// Stops everything as an operator would.
    pub(super) async fn stop(self) -> Result<()> {
        match self.processes {
            Processes::Cluster(cluster) => cluster.stop().await,
            Processes::Standalone {
                simulator,
                mut node,
            } => {
                node.stop().await?;
                stop(&simulator, "simulator").await
            }
        }
    }
}

impl Counted {
    fn add(&mut self, metrics: &str) {
        const REPLAYED: &str = "fanjet_edge_replay_read_events_total";
        const CLOSED: &str = "fanjet_edge_disconnects_total";
        /// Closes that the edge did not initiate.
        const CLIENTS_OWN: [&str; 2] = ["client_closed", "client_gone"];
        for line in metrics.lines() {
            let Some((series, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let value = value.parse().unwrap_or(0.0);
            if series.starts_with(REPLAYED) {
                self.replayed += value;
            } else if series.starts_with(CLOSED)
                && let Some(reason) = series.split('"').nth(1)
                && !CLIENTS_OWN.contains(&reason)
                && value > 0.0
            {
                *self.closed.entry(reason.to_owned()).or_default() += value;
            }
        }
    }
}

impl Load {
    /// How long the events take, without delays.
    pub(super) fn duration(self) -> Duration {
        Duration::from_secs_f64(self.frames as f64 / f64::from(self.rate))
    }

    fn publication(self) -> Result<Publication> {
        Ok(Publication::new(self.rate, self.frames)?
            .unforgetful()
            .with("--seed", self.seed)
            .with("--records-per-repo", 100)
            .with("--multi-op-commits", 0.05))
    }
}
