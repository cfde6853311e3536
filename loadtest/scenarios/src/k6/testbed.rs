//! The servers: simulator, two ingests, nats-server, three edges, HAProxy.

use anyhow::Result;
use fanjet_tools::programs::Profile;

use super::balancer::Balancer;
use crate::cluster::Cluster;

const EDGES: usize = 3;

/// HAProxy checks twice a second, and reacts to the second failure.
const GRACE: &str = "2s";

pub(super) struct Testbed {
    cluster: Cluster,
    balancer: Balancer,
}

impl Testbed {
    /// Events flow when it returns.
    pub(super) async fn start(
        profile: Profile,
        simulator_flags: &[impl AsRef<str>],
    ) -> Result<Self> {
        let settings = [
            ("edge.drain.grace", GRACE),
            // All subscribers are on this machine.
            ("edge.http.max_subscribers_per_address", "0"),
        ];
        let mut cluster = Cluster::start(EDGES, profile, simulator_flags, &settings).await?;
        let balancer = Balancer::start(&cluster.edges).await?;
        cluster.start_ingest()?;
        cluster.start_ingest()?;
        Ok(Self { cluster, balancer })
    }

    /// The address for subscribers.
    pub(super) fn url(&self) -> String {
        format!("ws://{}/subscribe", self.balancer.address())
    }

    pub(super) fn edges(&self) -> usize {
        self.cluster.edges.len()
    }

    /// Stops an edge as an orchestrator would, starts it again, and waits until it gets clients.
    pub(super) async fn restart(&mut self, edge: usize) -> Result<()> {
        let restarted = &mut self.cluster.edges[edge];
        restarted.stop().await?;
        restarted.restart()?;
        restarted.wait_until_ready().await?;
        self.balancer.wait_until_up(edge).await
    }

    pub(super) async fn stop(self) -> Result<()> {
        self.cluster.stop().await
    }
}
