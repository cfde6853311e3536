//! Publishes one value to the cluster state at an interval, for as long as the process runs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanjet_runtime::Backoff;
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

use crate::cluster_state::ClusterState;

/// Longest backoff after the cluster state failed, for writers and readers alike: a NATS server logs every request that
/// it rejects.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How many publishes in a row may fail before the value expires.
const MISSED_PUBLISHES: u32 = 4;

/// The heartbeat of one process, under its own key.
pub struct Heartbeat {
    state: Arc<dyn ClusterState>,
    key: String,
}

impl Heartbeat {
    /// A heartbeat under `key`.
    pub fn new(state: Arc<dyn ClusterState>, key: String) -> Self {
        Self { state, key }
    }

    /// Publishes the result of `value` now and after every `pause`, while `work` runs. A failing cluster state affects
    /// nothing but the heartbeat itself.
    pub async fn run_during<T>(
        self,
        work: impl Future<Output = T>,
        pause: Duration,
        value: impl Fn() -> Bytes,
    ) -> T {
        tokio::select! {
            outcome = work => outcome,
            never = self.publish_forever(pause, value) => match never {},
        }
    }

    async fn publish_forever(self, pause: Duration, value: impl Fn() -> Bytes) -> Infallible {
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut backoff = Backoff::new(pause, LONGEST_PAUSE);
        loop {
            ticks.tick().await;
            match self
                .state
                .publish(&self.key, value(), pause * MISSED_PUBLISHES)
                .await
            {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    debug!(%error, "failed to publish the heartbeat");
                    ticks.reset_after(backoff.next_pause());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
