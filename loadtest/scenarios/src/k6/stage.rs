//! What the subscribers connect to: simulator, two ingests, nats-server, three edges, HAProxy.

use anyhow::Result;
use fanjet_tools::programs::Profile;

use super::balancer::Balancer;
use crate::cluster::Cluster;

const EDGES: usize = 3;

/// HAProxy asks twice a second, and believes the second refusal.
const GRACE: &str = "2s";

pub(super) struct Stage {
    cluster: Cluster,
    balancer: Balancer,
}

impl Stage {
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

    /// Where subscribers connect.
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
