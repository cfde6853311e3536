//! The whole path as real processes: simulator -> ingest -> nats-server -> edges.

mod edge;

use anyhow::Result;
use fanjet_testkit::{NatsServer, Process};
use fanjet_tools::programs::{Profile, build};

use crate::service::{listening, program, set, simulator, stop};

pub(crate) use edge::Edge;

/// Running processes. Dropping it kills them.
pub(crate) struct Cluster {
    pub(crate) simulator: Process,
    /// The first leads.
    pub(crate) ingests: Vec<Process>,
    /// At least one.
    pub(crate) edges: Vec<Edge>,
    pub(crate) nats: NatsServer,
    /// `ws://host:port` of the simulator.
    upstream_url: String,
    profile: Profile,
}

impl Cluster {
    /// Builds the programs and starts all but ingest: a client that connects now misses nothing.
    pub(crate) async fn start(
        profile: Profile,
        simulator_flags: &[impl AsRef<str>],
        edge_settings: &[(&str, &str)],
    ) -> Result<Self> {
        Self::start_with_edges(1, profile, simulator_flags, edge_settings).await
    }

    /// As [`Cluster::start`], with so many edges.
    pub(crate) async fn start_with_edges(
        count: usize,
        profile: Profile,
        simulator_flags: &[impl AsRef<str>],
        edge_settings: &[(&str, &str)],
    ) -> Result<Self> {
        build(profile)?;
        let nats = NatsServer::start().await?;
        let simulator = simulator(profile, simulator_flags)?;
        let upstream_url = listening(&simulator).await?;
        let nats_url = nats.url();
        let mut settings = vec![("nats.url", nats_url.as_str())];
        settings.extend(edge_settings);
        let mut edges = Vec::with_capacity(count);
        for _ in 0..count {
            edges.push(Edge::start(profile, &settings).await?);
        }
        Ok(Self {
            simulator,
            ingests: Vec::new(),
            edges,
            nats,
            upstream_url,
            profile,
        })
    }

    /// `ws://host:port` of the first edge.
    pub(crate) fn edge_url(&self) -> &str {
        &self.edges[0].url
    }

    /// Lets the events flow. Done again: another one stands by.
    pub(crate) fn start_ingest(&mut self) -> Result<()> {
        let ingest = program(self.profile, "fanjet")
            .arg("ingest")
            .args(set("upstream.url", &self.upstream_url))
            .args(set("ops.listen", "127.0.0.1:0"))
            .args(set("nats.url", &self.nats.url()))
            .start()?;
        self.ingests.push(ingest);
        Ok(())
    }

    /// Stops the services as an operator would, front to back.
    pub(crate) async fn stop(mut self) -> Result<()> {
        for ingest in &self.ingests {
            stop(ingest, "ingest").await?;
        }
        for edge in &mut self.edges {
            edge.stop().await?;
        }
        stop(&self.simulator, "simulator").await
    }
}
