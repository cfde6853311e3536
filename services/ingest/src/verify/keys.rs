//! The keys of accounts: cached, and looked up beside the stream, which waits for a result only for a bounded time.
//!
//! The lookups that untrusted input can trigger are bounded per DID, per did:web site, and in total. A lookup that is
//! refused, or not completed in time, does not change what is known.

mod kind;

use std::sync::Arc;
use std::time::Duration;

use fanjet_event::Did;
use fanjet_identity::{Answered, Asked, Denied, LookUp, Remembered, Who};
use fanjet_verify::{PublicKey, signing_key};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::backlog::Backlog;
use super::documents::DidDocuments;
use crate::config::VerifyConfig;
use crate::metrics::IngestMetrics;
use kind::KeyLookups;

/// A key looked up more recently than this is not looked up again when a signature fails.
const FRESH: Duration = Duration::from_secs(10);
/// How much less the stream waits for a did:web host than for the directory.
const WEB_WAIT_DIVISOR: u32 = 4;

/// What is known about an account's key.
#[derive(Debug, Clone)]
pub(super) enum KeyResult {
    /// The key.
    Key(KnownKey),
    /// The account has no usable key.
    Missing,
    /// The source could not be reached, or did not respond in time.
    Away,
    /// Too many keys were requested.
    RateLimited,
}

/// A key, and when it was looked up.
#[derive(Debug, Clone)]
pub(super) struct KnownKey {
    pub(super) key: Arc<PublicKey>,
    at: Option<Instant>,
}

impl KeyResult {
    /// What is cached, or why nothing is.
    fn of(known: Remembered<PublicKey>, denied: Denied) -> Self {
        match known.answer {
            Answered::Found(key) => Self::Key(KnownKey { key, at: known.at }),
            Answered::Nothing => Self::Missing,
            Answered::Unknown => match denied {
                Denied::Away => Self::Away,
                Denied::RateLimited => Self::RateLimited,
            },
        }
    }
}

/// All keys.
pub(super) struct Keys {
    directory: Arc<KeyLookups>,
    web: Arc<KeyLookups>,
    timeout: Duration,
    /// Runs the lookups; dropping it ends them.
    _looking: JoinSet<()>,
}

/// How long the stream waits for keys.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    directory: Instant,
    web: Instant,
    /// Ends the wait early when many frames wait behind the batch.
    backlog: Option<Backlog>,
}

impl Patience {
    /// The same, however many frames wait.
    pub(super) fn despite_backlog(&self) -> Self {
        Self {
            backlog: None,
            ..*self
        }
    }

    async fn end(&mut self, who: Who) {
        let until = match who {
            Who::Web => self.web,
            Who::Plc | Who::Unsupported => self.directory,
        };
        match &mut self.backlog {
            Some(backlog) => drop(timeout_at(until, backlog.is_large()).await),
            None => sleep_until(until).await,
        }
    }
}

impl Keys {
    pub(super) fn new(
        documents: Arc<dyn DidDocuments>,
        config: &VerifyConfig,
        metrics: IngestMetrics,
    ) -> Self {
        let directory = Arc::new(kind::directory(config, metrics.clone()));
        let web = Arc::new(kind::web(config, metrics));
        let mut looking = JoinSet::new();
        for lookups in [&directory, &web] {
            let (lookups, documents) = (Arc::clone(lookups), Arc::clone(&documents));
            looking.spawn(async move {
                lookups
                    .run(|did| {
                        let documents = Arc::clone(&documents);
                        Box::pin(async move {
                            let document = documents.get(&did).await?;
                            Ok(document.and_then(|document| signing_key(&did, &document).ok()))
                        })
                    })
                    .await;
            });
        }
        Self {
            directory,
            web,
            timeout: config.lookup_timeout,
            _looking: looking,
        }
    }

    /// The longest time that a batch arriving now waits for its keys.
    pub(super) fn patience(&self, backlog: Backlog) -> Patience {
        let now = Instant::now();
        Patience {
            directory: now + self.timeout,
            web: now + self.timeout / WEB_WAIT_DIVISOR,
            backlog: Some(backlog),
        }
    }

    /// The account's key, cached or looked up. An expired or doubted key is better than none.
    pub(super) async fn get(&self, did: &Did, patience: &Patience) -> KeyResult {
        let (did, who) = (did.as_str(), Who::knows(did.as_str()));
        let Some(lookups) = self.lookups(who) else {
            return KeyResult::Missing;
        };
        match lookups.ask(did) {
            Asked::Known(known) => KeyResult::of(known, Denied::RateLimited),
            Asked::Waiting(look_up) => {
                let known = waited(look_up, who, patience).await;
                let known = known.unwrap_or_else(|| lookups.remembered(did));
                KeyResult::of(known, Denied::Away)
            }
            Asked::Denied(denied) => KeyResult::of(lookups.remembered(did), denied),
            Asked::Forbidden => KeyResult::Missing,
        }
    }

    /// Looks up the key of an account again after a signature failed under `used`. `None` while nothing newer is known,
    /// for any reason: an attacker who blocks lookups must not gain from it.
    pub(super) async fn renewed(
        &self,
        did: &Did,
        used: &KnownKey,
        patience: &Patience,
    ) -> Option<KeyResult> {
        let (did, who) = (did.as_str(), Who::knows(did.as_str()));
        let lookups = self.lookups(who)?;
        let known = lookups.remembered(did);
        let is_fresh = used.at.is_some_and(|at| at.elapsed() < FRESH);
        let known = match known.at > used.at {
            // Another commit has looked it up meanwhile.
            true => known,
            // However fresh, the key may be older than the event that changed it.
            false if is_fresh && !known.is_doubted => return None,
            false => match lookups.ask_again(did) {
                Asked::Waiting(look_up) => waited(look_up, who, patience).await?,
                Asked::Known(_) | Asked::Denied(_) | Asked::Forbidden => return None,
            },
        };
        match known.answer {
            Answered::Found(key) if key == used.key => None,
            Answered::Unknown => None,
            Answered::Found(_) | Answered::Nothing => Some(KeyResult::of(known, Denied::Away)),
        }
    }

    /// The account's key may have changed: the next commit looks it up again, within the budget.
    pub(super) fn doubt(&self, did: &str) {
        if let Some(lookups) = self.lookups(Who::knows(did)) {
            lookups.doubt(did);
        }
    }

    /// The source of documents for such accounts.
    fn lookups(&self, who: Who) -> Option<&KeyLookups> {
        match who {
            Who::Plc => Some(&self.directory),
            Who::Web => Some(&self.web),
            Who::Unsupported => None,
        }
    }
}

/// The result of a lookup; `None` when the patience ran out.
async fn waited(
    look_up: LookUp<PublicKey>,
    who: Who,
    patience: &Patience,
) -> Option<Remembered<PublicKey>> {
    let mut patience = patience.clone();
    tokio::select! {
        biased;
        known = look_up.ended() => known,
        () = patience.end(who) => None,
    }
}

#[cfg(test)]
mod tests;
