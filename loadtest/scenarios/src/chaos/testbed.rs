//! All processes, and every link between them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use fanjet_log::{LabelsConfig, RawConfig};
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl};
use fanjet_testkit::{Link, NatsServer, Process};
use tokio::sync::Mutex;

use super::labelers::{Labelers, has_labels};
use super::options::Options;
use super::tiers::{TierUse, Tiers};
use crate::publication::Publication;
use crate::service::{Launch, PATIENCE, Service, listening, simulator};

const INGESTS: usize = 2;
/// That read labelers, in runs with labels.
const READERS: usize = 2;
const EDGES: usize = 2;
const SERVERS: usize = 3;

/// Otherwise servers would advertise each other's addresses, and clients would bypass the links.
const TELL_NO_ADDRESSES: &str = "no_advertise: true";

/// Small, so that a client that was away for a second is behind the ring and reads the log.
const RING_BYTES: &str = "1048576";

const RAW: (&str, &str) = ("raw.enabled", "true");
/// NATS sets it aside.
const RAW_BYTES: (&str, &str) = ("raw.max_bytes", "2000000000");

/// Each target of faults has a lock: one fault at a time.
pub(super) struct Testbed {
    pub(super) simulator: Mutex<Process>,
    /// One lock for all: three replicas survive the loss of one server, not of two.
    pub(super) nats: Mutex<Vec<NatsServer>>,
    pub(super) ingests: Vec<Mutex<Service>>,
    /// None in runs without labels.
    pub(super) labels: Vec<Mutex<Service>>,
    pub(super) labelers: Option<Labelers>,
    pub(super) edges: Vec<Mutex<Service>>,
    pub(super) lines: Lines,
    pub(super) tiers: Tiers,
    /// The servers' output in earlier lives.
    pub(super) servers_said: Mutex<Vec<String>>,
    upstream: u16,
    servers: Vec<String>,
}

/// Each group of links has one fault at a time.
pub(super) struct Lines {
    pub(super) ingests_to_simulator: Mutex<Vec<Link>>,
    pub(super) ingest_to_nats: Vec<Mutex<Vec<Link>>>,
    pub(super) labels_to_labelers: Mutex<Vec<Link>>,
    pub(super) labels_to_nats: Vec<Mutex<Vec<Link>>>,
    pub(super) edge_to_nats: Vec<Mutex<Vec<Link>>>,
    pub(super) clients_to_edge: Vec<Mutex<Vec<Link>>>,
}

impl Testbed {
    /// Starts everything except the ingests: clients that connect now miss nothing.
    pub(super) async fn start(
        options: &Options,
        published: &Publication,
        seed: u64,
    ) -> Result<Self> {
        let tiers = Tiers::for_edges(EDGES, seed)?;
        let nats = NatsServer::start_cluster_with(SERVERS, TELL_NO_ADDRESSES).await?;
        let simulator = simulator(options.profile, published.flags())?;
        let upstream = port(&listening(&simulator).await?)?;
        let labelers = match has_labels(seed) {
            true => Some(Labelers::start().await?),
            false => None,
        };
        let mut lines = Lines {
            ingests_to_simulator: Mutex::default(),
            ingest_to_nats: Vec::new(),
            labels_to_labelers: Mutex::default(),
            labels_to_nats: Vec::new(),
            edge_to_nats: Vec::new(),
            clients_to_edge: Vec::new(),
        };
        for _ in 0..INGESTS {
            lines.ingest_to_nats.push(links_to(&nats).await?);
        }
        let mut edges = Vec::new();
        for index in 0..EDGES {
            let links = links_to(&nats).await?;
            let url = urls(&links.lock().await);
            lines.edge_to_nats.push(links);
            let mut settings = tiers.settings(index);
            settings.extend([
                ("nats.url", url),
                ("nats.stream.replicas", "3".to_owned()),
                ("edge.tail.ring_bytes", RING_BYTES.to_owned()),
                ("edge.raw.ring_bytes", RING_BYTES.to_owned()),
            ]);
            settings.extend([RAW, RAW_BYTES].map(|(key, value)| (key, value.to_owned())));
            settings.extend(labelers.iter().flat_map(Labelers::for_edges));
            let launch = Launch::named(format!("edge-{index}"));
            let edge = Service::launched(&launch, options.profile, "edge", &settings)?;
            let link = Link::start(port(edge.address()?)?).await?;
            lines.clients_to_edge.push(Mutex::new(vec![link]));
            edges.push(edge);
        }
        for edge in &edges {
            edge.wait_until_ready().await?;
        }
        Ok(Self {
            simulator: Mutex::new(simulator),
            servers: nats.iter().map(NatsServer::url).collect(),
            nats: Mutex::new(nats),
            ingests: Vec::new(),
            labels: Vec::new(),
            labelers,
            edges: edges.into_iter().map(Mutex::new).collect(),
            lines,
            tiers,
            servers_said: Mutex::default(),
            upstream,
        })
    }

    /// Starts the events.
    pub(super) async fn start_ingests(&mut self, options: &Options) -> Result<()> {
        for (index, to_nats) in self.lines.ingest_to_nats.iter().enumerate() {
            let link = Link::start(self.upstream).await?;
            let upstream = format!("ws://127.0.0.1:{}", link.port());
            self.lines.ingests_to_simulator.lock().await.push(link);
            let url = urls(&to_nats.lock().await);
            let settings = [
                ("ingest.upstream.url", upstream.as_str()),
                // Both must use the same name, or each would start over with current events.
                ("ingest.upstream.name", "simulator"),
                ("nats.url", &url),
                ("nats.stream.replicas", "3"),
                ("ingest.lease.ttl", "3s"),
                RAW,
                RAW_BYTES,
            ];
            let launch = Launch::named(format!("ingest-{index}"));
            let ingest = Service::launched(&launch, options.profile, "ingest", &settings)?;
            self.ingests.push(Mutex::new(ingest));
        }
        self.start_labels(options).await
    }

    async fn start_labels(&mut self, options: &Options) -> Result<()> {
        let Some(labelers) = &self.labelers else {
            return Ok(());
        };
        for index in 0..READERS {
            let links = labelers.links().await?;
            let mut settings = labelers.for_readers(&links);
            self.lines.labels_to_labelers.lock().await.extend(links);
            let to_nats = links_to(self.nats.get_mut()).await?;
            settings.push(("nats.url", urls(&to_nats.lock().await)));
            settings.push(("nats.stream.replicas", "3".to_owned()));
            self.lines.labels_to_nats.push(to_nats);
            let launch = Launch::named(format!("labels-{index}"));
            let service = Service::launched(&launch, options.profile, "labels", &settings)?;
            self.labels.push(Mutex::new(service));
        }
        Ok(())
    }

    /// The addresses for clients.
    pub(super) async fn edge_urls(&self) -> Vec<String> {
        let mut urls = Vec::new();
        for line in &self.lines.clients_to_edge {
            let links = line.lock().await;
            urls.extend(
                links
                    .iter()
                    .map(|link| format!("ws://127.0.0.1:{}", link.port())),
            );
        }
        urls
    }

    /// Connects to the log, bypassing all links.
    pub(super) async fn log(&self) -> Result<NatsLog> {
        connect(self.nats_config()).await
    }

    /// As [`Testbed::log`], to the raw log.
    pub(super) async fn raw_log(&self) -> Result<NatsLog> {
        connect(self.nats_config().of_frames(&RawConfig::default())).await
    }

    /// As [`Testbed::log`], to the log of labels.
    pub(super) async fn labels_log(&self) -> Result<NatsLog> {
        connect(self.nats_config().of_labels(&LabelsConfig::default())).await
    }

    /// The port of the simulator, without a link.
    pub(super) fn upstream(&self) -> u16 {
        self.upstream
    }

    fn nats_config(&self) -> NatsConfig {
        let mut config = NatsConfig {
            url: self.servers.iter().map(ServerUrl::new).collect(),
            request_timeout: Duration::from_secs(5),
            ..NatsConfig::default()
        };
        config.stream.create = false;
        config
    }

    fn services(&self) -> impl Iterator<Item = &Mutex<Service>> {
        self.ingests.iter().chain(&self.labels).chain(&self.edges)
    }

    /// Checks that no service has ended by itself. Targets of a running fault are excluded.
    pub(super) fn check(&self) -> Result<()> {
        for service in self.services() {
            if let Ok(service) = service.try_lock() {
                service.check()?;
            }
        }
        Ok(())
    }

    /// What the local tiers did.
    pub(super) async fn tiers_used(&self) -> Result<TierUse> {
        let mut edges = Vec::new();
        for edge in &self.edges {
            edges.push(edge.lock().await);
        }
        self.tiers.used(edges.iter().map(|edge| &**edge)).await
    }

    /// Writes the output of all processes.
    pub(super) async fn keep_logs(&self, folder: &Path) -> Result<()> {
        for service in self.services() {
            service.lock().await.keep_log(folder)?;
        }
        let mut lines = self.servers_said.lock().await.clone();
        for server in self.nats.lock().await.iter() {
            lines.push(format!("=== {}", server.name()));
            lines.extend(server.process().iter().flat_map(|process| process.lines()));
        }
        std::fs::write(folder.join("nats.log"), lines.join("\n"))?;
        let lines = self.simulator.lock().await.lines();
        std::fs::write(folder.join("simulator.log"), lines.join("\n"))?;
        Ok(())
    }
}

async fn links_to(servers: &[NatsServer]) -> Result<Mutex<Vec<Link>>> {
    let mut links = Vec::new();
    for server in servers {
        links.push(Link::start(server.port()).await?);
    }
    Ok(Mutex::new(links))
}

fn urls(links: &[Link]) -> String {
    let urls: Vec<_> = links
        .iter()
        .map(|link| format!("nats://127.0.0.1:{}", link.port()))
        .collect();
    urls.join(",")
}

fn port(url: &str) -> Result<u16> {
    let (_, port) = url.rsplit_once(':').context("no port")?;
    Ok(port.parse()?)
}

async fn connect(config: NatsConfig) -> Result<NatsLog> {
    let connecting = NatsLog::connect_patiently(config, || 0);
    Ok(tokio::time::timeout(PATIENCE, connecting)
        .await
        .context("no log")??)
}
