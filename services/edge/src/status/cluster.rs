//! What the leader tells about all collections, as this node heard it last.

mod told;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanjet_actors::Stop;
use fanjet_cluster::freshness::Snapshot;
use fanjet_log::{Notices, StoreError};
use parking_lot::Mutex;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, warn};

pub(crate) use told::{Freshness, Told};

/// Where the leader's snapshot hangs.
const FRESHNESS: &str = "freshness";
/// Shorter pauses would ask for nothing new.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// The newest that was heard. Replaced as a whole; whoever reads it keeps what it got.
#[derive(Debug, Default)]
pub(crate) struct Cluster(Mutex<Arc<Told>>);

impl Cluster {
    pub(crate) fn told(&self) -> Arc<Told> {
        Arc::clone(&self.0.lock())
    }

    /// Asks again and again. What was heard stays when nobody answers: it says how old it is.
    pub(crate) async fn listen(
        self: Arc<Self>,
        notices: Arc<dyn Notices>,
        pause: Duration,
        stop: Stop,
    ) -> Result<(), Infallible> {
        let mut ticks = interval(pause.max(SHORTEST_PAUSE));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_heard = true;
        loop {
            let asked = async {
                ticks.tick().await;
                notices.all().await
            };
            let heard = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                heard = asked => heard,
            };
            match heard {
                Ok(heard) => {
                    is_heard = true;
                    self.take(heard.get(FRESHNESS));
                }
                Err(error) => {
                    note(&error, is_heard);
                    is_heard = false;
                }
            }
        }
    }

    fn take(&self, freshness: Option<&Bytes>) {
        let Some(freshness) = freshness else {
            return;
        };
        match serde_json::from_slice::<Snapshot>(freshness) {
            Ok(snapshot) if snapshot.at_us != self.told().at_us() => {
                *self.0.lock() = Arc::new(Told::of(snapshot));
            }
            Ok(_known) => {}
            Err(error) => debug!(%error, "what is told about collections cannot be read"),
        }
    }
}

/// Once is enough.
fn note(error: &StoreError, is_first: bool) {
    if is_first {
        warn!(%error, "what the leader tells about collections cannot be heard");
    } else {
        debug!(%error, "it still cannot be heard");
    }
}
