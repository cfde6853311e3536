//! Keeps one word on the board for as long as something lasts.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanjet_runtime::Backoff;
use tokio::time::{MissedTickBehavior, interval};
use tracing::debug;

use crate::notices::Notices;

/// What fails on the board is tried again at least this often, by whoever tells or hears: servers complain of what they do not
/// allow.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How many times a word may fail to be put up anew before it is gone.
const PATIENCE: u32 = 4;

/// One process's own word, under a key of its own.
pub struct Announcer {
    notices: Arc<dyn Notices>,
    key: String,
}

impl Announcer {
    /// The word under `key`.
    pub fn new(notices: Arc<dyn Notices>, key: String) -> Self {
        Self { notices, key }
    }

    /// Puts up what `word` says then, after every `pause`, as long as `work` lasts. A board that is away costs nothing but
    /// what would be told.
    pub async fn beside<T>(
        self,
        work: impl Future<Output = T>,
        pause: Duration,
        word: impl Fn() -> Bytes,
    ) -> T {
        tokio::select! {
            outcome = work => outcome,
            never = self.tell(pause, word) => match never {},
        }
    }

    async fn tell(self, pause: Duration, word: impl Fn() -> Bytes) -> Infallible {
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut backoff = Backoff::new(pause, LONGEST_PAUSE);
        loop {
            ticks.tick().await;
            match self.notices.post(&self.key, word(), pause * PATIENCE).await {
                Ok(()) => backoff.reset(),
                Err(error) => {
                    debug!(%error, "the cluster cannot be told that this process is there");
                    ticks.reset_after(backoff.next_pause());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
