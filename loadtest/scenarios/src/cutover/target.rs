//! What is under test: a running path from a simulated firehose to `/subscribe`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fanjet_testkit::Process;
use fanjet_tools::programs::{Profile, build};
use tokio::time::sleep;

use crate::cluster::Cluster;
use crate::publication::Publication;
use crate::service::{get, listening, printed, program, set, simulator, stop, wait_until_ready};

/// So little memory that most cursors need the log.
const SETTINGS: [(&str, &str); 2] = [
    ("tail.ring_bytes", "4000000"),
    ("replay.cache_bytes", "2000000"),
];

const EDGES: usize = 3;

/// How long the first event may take from the upstream to the status of an edge.
const FIRST_EVENT_WITHIN: Duration = Duration::from_secs(30);

/// How much happens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// Frames per second.
    pub(super) rate: u32,
    pub(super) frames: u64,
    pub(super) seed: u64,
}

/// Running processes. Dropping kills them.
pub(super) struct Target {
    /// Where clients connect; all serve the same.
    pub(super) urls: Vec<String>,
    pub(super) published: Publication,
    processes: Processes,
}

/// What all edges counted together.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Events that were read from the log for replays.
    pub(super) replayed: f64,
    /// Connections that the edges ended, by reason.
    pub(super) closed: BTreeMap<String, f64>,
}

enum Processes {
    Cluster(Box<Cluster>),
    Standalone { simulator: Process, node: Process },
}

impl Target {
    /// The seq of the oldest event, as an edge says it once there is one.
    pub(super) async fn first_seq(&self) -> Result<u64> {
        let authority = self.urls[0].rsplit('/').next().unwrap_or_default();
        let began = Instant::now();
        loop {
            let answer = get(authority, "/status").await?;
            let from = answer.find('{').context("the status is no JSON")?;
            let status: serde_json::Value = serde_json::from_str(&answer[from..])?;
            if let Some(seq) = status["log"]["oldest"]["seq"].as_u64() {
                return Ok(seq);
            }
            ensure!(
                began.elapsed() < FIRST_EVENT_WITHIN,
                "the status names no oldest event after {FIRST_EVENT_WITHIN:?}"
            );
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// simulator -> ingest -> nats-server -> edges.
    pub(super) async fn cluster(profile: Profile, load: Load) -> Result<Self> {
        let published = load.publication()?;
        let mut cluster =
            Cluster::start_with_edges(EDGES, profile, published.flags(), &SETTINGS).await?;
        cluster.start_ingest()?;
        Ok(Self {
            urls: cluster.edges.iter().map(|edge| edge.url.clone()).collect(),
            published,
            processes: Processes::Cluster(Box::new(cluster)),
        })
    }

    /// simulator -> fanjet serve.
    pub(super) async fn standalone(profile: Profile, load: Load) -> Result<Self> {
        build(profile)?;
        let published = load.publication()?;
        let simulator = simulator(profile, published.flags())?;
        let upstream = listening(&simulator).await?;
        let data = published.folder().join("data").display().to_string();
        let settings = [
            ("upstream.url", upstream.as_str()),
            ("embedded.path", &data),
            ("http.listen", "127.0.0.1:0"),
            ("ops.listen", "127.0.0.1:0"),
        ];
        let settings = settings.into_iter().chain(SETTINGS);
        let node = program(profile, "fanjet")
            .arg("serve")
            .args(settings.flat_map(|(key, value)| set(key, value)))
            .start()?;
        let url = listening(&node).await?;
        wait_until_ready(&node).await?;
        Ok(Self {
            urls: vec![url],
            published,
            processes: Processes::Standalone { simulator, node },
        })
    }

    /// What the edges count.
    pub(super) async fn counted(&self) -> Result<Counted> {
        let mut opss = Vec::new();
        match &self.processes {
            Processes::Cluster(cluster) => {
                opss.extend(cluster.edges.iter().map(|edge| edge.ops.clone()));
            }
            Processes::Standalone { node, .. } => opss.push(printed(node, "ops http://").await?),
        }
        let mut counted = Counted::default();
        for ops in opss {
            counted.add(&get(&ops, "/metrics").await?);
        }
        Ok(counted)
    }

    /// Stops everything as an operator would.
    pub(super) async fn stop(self) -> Result<()> {
        match self.processes {
            Processes::Cluster(cluster) => cluster.stop().await,
            Processes::Standalone { simulator, node } => {
                stop(&node, "fanjet serve").await?;
                stop(&simulator, "simulator").await
            }
        }
    }
}

impl Counted {
    fn add(&mut self, metrics: &str) {
        const REPLAYED: &str = "fanjet_edge_replay_read_events";
        const CLOSED: &str = "fanjet_edge_disconnects";
        /// Ends that are not the edge's doing.
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
    /// How long the events take, if everybody keeps up.
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
