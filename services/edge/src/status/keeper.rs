//! Makes the snapshots.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use fanjet_actors::{Clock, Stop};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::error;

use super::rates::Rates;
use super::report::{Facts, Report};
use crate::edge::{Node, readiness};

const PERIOD: Duration = Duration::from_secs(1);

/// Looks at everything once per second.
pub(crate) struct Keeper {
    node: Node,
    clock: Arc<dyn Clock>,
    rates: Rates,
}

impl Keeper {
    pub(crate) fn new(node: Node, clock: Arc<dyn Clock>) -> Self {
        Self {
            node,
            clock,
            rates: Rates::default(),
        }
    }

    pub(crate) async fn run(mut self, stop: Stop) -> Result<(), Infallible> {
        let began = Instant::now();
        let mut last = began;
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = ticks.tick() => {
                    let now = Instant::now();
                    self.look(now - last, now - began);
                    last = now;
                }
            }
        }
    }

    fn look(&mut self, passed: Duration, uptime: Duration) {
        let node = &self.node;
        let counts = node.tail.traffic.counts();
        self.rates.observe(&counts, passed);
        let report = Report::of(&Facts {
            now_us: self.clock.now_us(),
            uptime,
            readiness: &readiness(node),
            counts: &counts,
            rates: &self.rates,
            tail: &node.tail,
            census: node.metrics.census(),
            told: &node.cluster.told(),
            members: &node.cluster.members(),
        });
        match serde_json::to_vec(&report) {
            Ok(json) => node.board.show(json),
            Err(error) => error!(%error, "the status cannot be written"),
        }
    }
}
