//! The whole path as real processes: simulator -> ingest -> nats-server -> edges.

use anyhow::Result;
use fanjet_testkit::{NatsServer, Process};
use fanjet_tools::programs::{Profile, build};

use crate::service::{Service, listening, simulator, stop};

/// Running processes. Dropping it kills them.
pub(crate) struct Cluster {
    pub(crate) simulator: Process,
    /// The first leads.
    pub(crate) ingests: Vec<Service>,
    /// At least one.
    pub(crate) edges: Vec<Service>,
    pub(crate) nats: NatsServer,
    /// `ws://host:port` of the simulator.
    upstream_url: String,
    profile: Profile,
}

impl Cluster {
    /// Builds the programs and starts everything except ingest: a client that connects now misses nothing.
    pub(crate) async fn start(
        edges: usize,
        profile: Profile,
        simulator_flags: &[impl AsRef<str>],
        edge_settings: &[(&str, &str)],
    ) -> Result<Self> {
        build(profile)?;
        let nats = NatsServer::start().await?;
        let simulator = simulator(profile, simulator_flags)?;
        let mut cluster = Self {
            upstream_url: listening(&simulator).await?,
            simulator,
            ingests: Vec::new(),
            edges: Vec::new(),
            nats,
            profile,
        };
        let url = cluster.nats.url();
        let settings = [&[("nats.url", url.as_str())], edge_settings].concat();
        for _ in 0..edges {
            let edge = Service::start(profile, "edge", &settings)?;
            edge.wait_until_ready().await?;
            cluster.edges.push(edge);
        }
        Ok(cluster)
    }

    /// `ws://host:port` of every edge.
    pub(crate) fn urls(&self) -> Result<Vec<String>> {
        self.edges.iter().map(Service::url).collect()
    }

    /// Starts the events. A second call starts a standby.
    pub(crate) fn start_ingest(&mut self) -> Result<()> {
        let url = self.nats.url();
        let settings = [
            ("ingest.upstream.url", &self.upstream_url),
            ("nats.url", &url),
        ];
        let ingest = Service::start(self.profile, "ingest", &settings)?;
        self.ingests.push(ingest);
        Ok(())
    }

    /// Stops the services as an operator would, front to back.
    pub(crate) async fn stop(mut self) -> Result<()> {
        for service in self.ingests.iter_mut().chain(&mut self.edges) {
            service.stop().await?;
        }
        stop(&self.simulator, "simulator").await
    }
}
