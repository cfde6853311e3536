//! Says to the cluster that this node is there, and hears what the others say.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use fanjet_actors::{Backoff, Clock, Stop};
use fanjet_cluster::{Member, Part};
use fanjet_log::{Notices, StoreError};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::{debug, warn};

use crate::edge::{Node, readiness};

/// Shorter pauses would ask for nothing new.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
/// What fails is tried again at least this often: servers complain of what they do not allow.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How many times what was told may fail to be told again before the node counts as gone.
const PATIENCE: u32 = 4;

/// Asks again and again.
pub(crate) struct Listener {
    node: Node,
    notices: Arc<dyn Notices>,
    clock: Arc<dyn Clock>,
    key: String,
    name: String,
    since_us: u64,
}

impl Listener {
    pub(crate) fn new(
        node: Node,
        notices: Arc<dyn Notices>,
        clock: Arc<dyn Clock>,
        instance: &str,
    ) -> Self {
        Self {
            node,
            notices,
            key: Member::key(Part::Edge, instance),
            name: Member::name_in(instance),
            since_us: clock.now_us(),
            clock,
        }
    }

    /// Until `stop`. A board that is away costs nothing but what would be told.
    pub(crate) async fn run(self, pause: Duration, stop: Stop) -> Result<(), Infallible> {
        let pause = pause.max(SHORTEST_PAUSE);
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut is_heard, mut announce_at) = (true, Instant::now());
        let mut unheard = Backoff::new(pause, LONGEST_PAUSE);
        let mut untold = Backoff::new(pause, LONGEST_PAUSE);
        loop {
            let asked = async {
                ticks.tick().await;
                let announced = match Instant::now() >= announce_at {
                    true => self.announce(pause).await,
                    false => Ok(()),
                };
                (announced, self.notices.all().await)
            };
            let (announced, heard) = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                both = asked => both,
            };
            match announced {
                Ok(()) if Instant::now() >= announce_at => untold.reset(),
                Ok(()) => {}
                Err(error) => {
                    debug!(%error, "the cluster cannot be told that this node is there");
                    announce_at = Instant::now() + untold.next_pause();
                }
            }
            match heard {
                Ok(heard) => {
                    is_heard = true;
                    unheard.reset();
                    self.node.cluster.take(&heard);
                }
                Err(error) => {
                    note(&error, is_heard);
                    is_heard = false;
                    ticks.reset_after(unheard.next_pause());
                }
            }
        }
    }

    async fn announce(&self, pause: Duration) -> Result<(), StoreError> {
        let is_draining = self.node.ending.asked.is_cancelled();
        let member = Member {
            part: Part::Edge,
            name: self.name.clone(),
            role: if is_draining { "draining" } else { "serving" }.to_owned(),
            ready: readiness(&self.node).is_ready(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since_us: self.since_us,
            at_us: self.clock.now_us(),
        };
        let told = serde_json::to_vec(&member).map_err(StoreError::unavailable)?;
        let kept = pause * PATIENCE;
        self.notices.post(&self.key, told.into(), kept).await
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
