//! Reads the cluster state, and publishes this node's heartbeat.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use fanjet_cluster::{MemberStatus, Presence};
use fanjet_log::heartbeat::{Heartbeat, LONGEST_PAUSE};
use fanjet_log::{ClusterState, StoreError};
use fanjet_runtime::{Backoff, Clock, Stop};
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, warn};

use super::Cluster;
use crate::probe::ReadinessProbe;

/// A shorter interval would return nothing new.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// Polls the cluster state.
pub(crate) struct ClusterWatcher {
    pub(crate) cluster_state: Arc<dyn ClusterState>,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) readiness: ReadinessProbe,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ClusterWatcher {
    /// Runs until `stop`, and publishes `presence` meanwhile.
    pub(crate) async fn run(
        self,
        presence: Presence,
        pause: Duration,
        stop: Stop,
    ) -> Result<(), Infallible> {
        let pause = pause.max(SHORTEST_PAUSE);
        let heartbeat = Heartbeat::new(Arc::clone(&self.cluster_state), presence.key());
        let value = || {
            let now_us = self.clock.now_us();
            presence
                .encode(member_status(&self.readiness), now_us)
                .into()
        };
        let both = heartbeat.run_during(self.watch(pause), pause, value);
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            never = both => match never {},
        }
    }

    async fn watch(&self, pause: Duration) -> Infallible {
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_reachable = true;
        let mut backoff = Backoff::new(pause, LONGEST_PAUSE);
        loop {
            ticks.tick().await;
            match self.cluster_state.all().await {
                Ok(state) => {
                    is_reachable = true;
                    backoff.reset();
                    self.cluster.take(&state);
                }
                Err(error) => {
                    log_failure(&error, is_reachable);
                    is_reachable = false;
                    ticks.reset_after(backoff.next_pause());
                }
            }
        }
    }
}

fn member_status(readiness: &ReadinessProbe) -> MemberStatus {
    let is_draining = readiness.is_draining();
    MemberStatus {
        role: if is_draining { "draining" } else { "serving" }.to_owned(),
        ready: readiness.ask().is_ready(),
    }
}

/// Warns once per outage.
fn log_failure(error: &StoreError, is_first: bool) {
    if is_first {
        warn!(%error, "failed to read the cluster state, retrying");
    } else {
        debug!(%error, "still failing to read the cluster state");
    }
}
