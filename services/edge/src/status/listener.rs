//! Hears what the processes of the cluster say, and says that this node is there.

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

/// Shorter pauses would ask for nothing new.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// Asks again and again.
pub(crate) struct Listener {
    pub(crate) notices: Arc<dyn ClusterState>,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) readiness: ReadinessProbe,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Listener {
    /// Until `stop`; meanwhile `presence` is told.
    pub(crate) async fn run(
        self,
        presence: Presence,
        pause: Duration,
        stop: Stop,
    ) -> Result<(), Infallible> {
        let pause = pause.max(SHORTEST_PAUSE);
        let announcer = Heartbeat::new(Arc::clone(&self.notices), presence.key());
        let word = || {
            let now_us = self.clock.now_us();
            presence.encode(standing(&self.readiness), now_us).into()
        };
        let both = announcer.run_during(self.hear(pause), pause, word);
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            never = both => match never {},
        }
    }

    async fn hear(&self, pause: Duration) -> Infallible {
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_heard = true;
        let mut backoff = Backoff::new(pause, LONGEST_PAUSE);
        loop {
            ticks.tick().await;
            match self.notices.all().await {
                Ok(heard) => {
                    is_heard = true;
                    backoff.reset();
                    self.cluster.take(&heard);
                }
                Err(error) => {
                    note(&error, is_heard);
                    is_heard = false;
                    ticks.reset_after(backoff.next_pause());
                }
            }
        }
    }
}

fn standing(readiness: &ReadinessProbe) -> MemberStatus {
    let is_draining = readiness.is_draining();
    MemberStatus {
        role: if is_draining { "draining" } else { "serving" }.to_owned(),
        ready: readiness.ask().is_ready(),
    }
}

/// Once is enough.
fn note(error: &StoreError, is_first: bool) {
    if is_first {
        warn!(%error, "what the cluster tells cannot be heard");
    } else {
        debug!(%error, "it still cannot be heard");
    }
}
