//! Tells the cluster that this process is there, leading or standing by.

use std::sync::Arc;
use std::time::Duration;

use fanjet_actors::{Backoff, Clock};
use fanjet_cluster::{Member, Part};
use fanjet_log::Notices;
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

use crate::freshness::Freshness;
use crate::lead::Candidacy;
use crate::status::Status;

/// What fails is tried again at least this often: servers complain of what they do not allow.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How many times what was told may fail to be told again before the process counts as gone.
const PATIENCE: u32 = 4;

/// One process's own word.
pub(crate) struct Announcer {
    notices: Arc<dyn Notices>,
    pause: Duration,
    key: String,
    name: String,
    since_us: u64,
    clock: Arc<dyn Clock>,
    status: Status,
}

impl Announcer {
    pub(crate) fn of(
        candidacy: &Candidacy,
        freshness: &Freshness,
        clock: Arc<dyn Clock>,
        status: Status,
    ) -> Self {
        let (notices, pause) = freshness.board();
        let instance = candidacy.instance();
        Self {
            notices,
            pause,
            key: Member::key(Part::Ingest, instance),
            name: Member::name_in(instance),
            since_us: clock.now_us(),
            clock,
            status,
        }
    }

    /// Tells as long as `work` lasts.
    pub(crate) async fn beside<T>(self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            outcome = work => outcome,
            never = self.tell() => match never {},
        }
    }

    async fn tell(self) -> std::convert::Infallible {
        let mut ticks = interval(self.pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut backoff = Backoff::new(self.pause, LONGEST_PAUSE);
        loop {
            ticks.tick().await;
            let Ok(told) = serde_json::to_vec(&self.member()) else {
                continue;
            };
            let posted = self
                .notices
                .post(&self.key, told.into(), self.pause * PATIENCE);
            match posted.await {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    debug!(%error, "the cluster cannot be told that this process is there");
                    ticks.reset_after(backoff.next_pause());
                }
            }
        }
    }

    fn member(&self) -> Member {
        let report = self.status.report();
        Member {
            part: Part::Ingest,
            name: self.name.clone(),
            role: report.facts.get("role").cloned().unwrap_or_default(),
            ready: report.ready,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since_us: self.since_us,
            at_us: self.clock.now_us(),
        }
    }
}
