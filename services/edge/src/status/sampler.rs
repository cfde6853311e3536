//! Takes the status snapshots.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use fanjet_runtime::{Clock, Stop};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::error;

use super::rates::Rates;
use super::report::{Facts, Report};
use super::{Cluster, StatusChannel};
use crate::metrics::Metrics;
use crate::probe::ReadinessProbe;
use crate::tail::Tail;

const PERIOD: Duration = Duration::from_secs(1);

/// Samples the node once per second.
pub(crate) struct StatusSampler {
    pub(crate) channel: Arc<StatusChannel>,
    pub(crate) tail: Tail,
    pub(crate) metrics: Metrics,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) readiness: ReadinessProbe,
    pub(crate) clock: Arc<dyn Clock>,
}

impl StatusSampler {
    pub(crate) async fn run(self, stop: Stop) -> Result<(), Infallible> {
        let mut rates = Rates::default();
        let began = Instant::now();
        let mut last = began;
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = ticks.tick() => {
                    let now = Instant::now();
                    self.look(&mut rates, now - last, now - began);
                    last = now;
                }
            }
        }
    }

    fn look(&self, rates: &mut Rates, passed: Duration, uptime: Duration) {
        let counts = self.tail.traffic.counts();
        rates.observe(&counts, passed);
        let report = Report::of(&Facts {
            now_us: self.clock.now_us(),
            uptime,
            readiness: &self.readiness.ask(),
            counts: &counts,
            rates,
            tail: &self.tail,
            connection_counts: self.metrics.connection_counts(),
            leader_snapshot: &self.cluster.leader_snapshot(),
            members: &self.cluster.members(),
        });
        match serde_json::to_vec(&report) {
            Ok(json) => self.channel.publish(json),
            Err(error) => error!(%error, "failed to serialize the status"),
        }
    }
}
