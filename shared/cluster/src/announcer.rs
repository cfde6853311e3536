//! Tells the cluster that this process is there.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use fanjet_actors::{Backoff, Clock};
use fanjet_log::Notices;
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

use crate::{Member, Part};

/// What fails on the board is tried again at least this often, by whoever tells or hears: servers complain of what they do not
/// allow.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How many times what was told may fail to be told again before the process counts as gone.
const PATIENCE: u32 = 4;

/// One process's own word.
pub struct Announcer {
    notices: Arc<dyn Notices>,
    clock: Arc<dyn Clock>,
    part: Part,
    key: String,
    name: String,
    since_us: u64,
}

/// How a process stands at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it does.
    pub role: String,
    /// Whether it is ready, as its health says.
    pub ready: bool,
}

impl Announcer {
    /// The word of the process that is called `instance`, which begins now.
    pub fn new(
        notices: Arc<dyn Notices>,
        clock: Arc<dyn Clock>,
        part: Part,
        instance: &str,
    ) -> Self {
        Self {
            notices,
            part,
            key: Member::key(part, instance),
            name: Member::name_in(instance),
            since_us: clock.now_us(),
            clock,
        }
    }

    /// Tells how the process stands after every `pause`, as long as `work` lasts. A board that is away costs nothing
    /// but what would be told.
    pub async fn beside<T>(
        self,
        work: impl Future<Output = T>,
        pause: Duration,
        standing: impl Fn() -> Standing,
    ) -> T {
        tokio::select! {
            outcome = work => outcome,
            never = self.tell(pause, standing) => match never {},
        }
    }

    async fn tell(self, pause: Duration, standing: impl Fn() -> Standing) -> Infallible {
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut backoff = Backoff::new(pause, LONGEST_PAUSE);
        loop {
            ticks.tick().await;
            let Ok(told) = serde_json::to_vec(&self.member(standing())) else {
                continue;
            };
            let posted = self.notices.post(&self.key, told.into(), pause * PATIENCE);
            match posted.await {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    debug!(%error, "the cluster cannot be told that this process is there");
                    ticks.reset_after(backoff.next_pause());
                }
            }
        }
    }

    fn member(&self, Standing { role, ready }: Standing) -> Member {
        Member {
            part: self.part,
            name: self.name.clone(),
            role,
            ready,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since_us: self.since_us,
            at_us: self.clock.now_us(),
        }
    }
}

#[cfg(test)]
mod tests;
