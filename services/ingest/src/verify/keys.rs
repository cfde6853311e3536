//! The keys of accounts: remembered, and looked up beside the stream, which waits for an answer only as long as it is told.
//!
//! What a stranger can make us ask is bounded for each DID, for each site of did:web, and for all together; a look-up that
//! is not allowed, or not answered in time, changes nothing in what is known.

mod kind;

use std::sync::Arc;
use std::time::Duration;

use fanjet_event::Did;
use fanjet_identity::{Answered, Asked, Denied, LookUp, Remembered, Who};
use fanjet_verify::{PublicKey, signing_key};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::crowd::Crowd;
use super::documents::DidDocuments;
use crate::config::VerifyConfig;
use crate::metrics::IngestMetrics;
use kind::Desk;

/// A key that was looked up more recently than this is not looked up again when a signature fails.
const FRESH: Duration = Duration::from_secs(10);
/// How much shorter the stream waits for a stranger's host than for the directory.
const STRANGERS_SHARE: u32 = 4;

/// What is known of an account's key.
#[derive(Debug, Clone)]
pub(super) enum KeyAnswer {
    /// The key.
    Key(KnownKey),
    /// There is none that we could use.
    Missing,
    /// Nobody could be asked, or did not answer in time.
    Away,
    /// Too many were asked for.
    RateLimited,
}

/// A key, and when it was looked up.
#[derive(Debug, Clone)]
pub(super) struct KnownKey {
    pub(super) key: Arc<PublicKey>,
    at: Option<Instant>,
}

impl KeyAnswer {
    /// What is remembered, or why nothing is.
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
    directory: Arc<Desk>,
    strangers: Arc<Desk>,
    timeout: Duration,
    /// Makes the look-ups; dropping it ends them.
    _looking: JoinSet<()>,
}

/// How long the stream waits for keys.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    directory: Instant,
    strangers: Instant,
    /// Whether others wait behind it that must not: then it is over.
    crowd: Option<Crowd>,
}

impl Patience {
    /// The same, however many wait behind it.
    pub(super) fn in_a_crowd(&self) -> Self {
        Self {
            crowd: None,
            ..*self
        }
    }

    async fn end(&mut self, who: Who) {
        let until = match who {
            Who::Web => self.strangers,
            Who::Plc | Who::Unsupported => self.directory,
        };
        match &mut self.crowd {
            Some(crowd) => drop(timeout_at(until, crowd.is_large()).await),
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
        let strangers = Arc::new(kind::strangers(config, metrics));
        let mut looking = JoinSet::new();
        for desk in [&directory, &strangers] {
            let (desk, documents) = (Arc::clone(desk), Arc::clone(&documents));
            looking.spawn(async move {
                desk.run(|did| {
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
            strangers,
            timeout: config.lookup_timeout,
            _looking: looking,
        }
    }

    /// How long a batch that comes now is held for its keys, at the most.
    pub(super) fn patience(&self, crowd: Crowd) -> Patience {
        let now = Instant::now();
        Patience {
            directory: now + self.timeout,
            strangers: now + self.timeout / STRANGERS_SHARE,
            crowd: Some(crowd),
        }
    }

    /// The account's key, remembered or looked up. One that ran out, or is doubted, is better than none.
    pub(super) async fn get(&self, did: &Did, patience: &Patience) -> KeyAnswer {
        let (did, who) = (did.as_str(), Who::knows(did.as_str()));
        let Some(desk) = self.desk(who) else {
            return KeyAnswer::Missing;
        };
        match desk.ask(did) {
            Asked::Known(known) => KeyAnswer::of(known, Denied::RateLimited),
            Asked::Waiting(look_up) => {
                let known = waited(look_up, who, patience).await;
                let known = known.unwrap_or_else(|| desk.remembered(did));
                KeyAnswer::of(known, Denied::Away)
            }
            Asked::Denied(denied) => KeyAnswer::of(desk.remembered(did), denied),
            Asked::Forbidden => KeyAnswer::Missing,
        }
    }

    /// Looks again for the key of an account whose signature failed under `used`. `None` while nothing newer is known,
    /// whatever the reason: who stops us from asking must not gain by it.
    pub(super) async fn renewed(
        &self,
        did: &Did,
        used: &KnownKey,
        patience: &Patience,
    ) -> Option<KeyAnswer> {
        let (did, who) = (did.as_str(), Who::knows(did.as_str()));
        let desk = self.desk(who)?;
        let known = desk.remembered(did);
        let is_fresh = used.at.is_some_and(|at| at.elapsed() < FRESH);
        let known = match known.at > used.at {
            // Another commit has looked meanwhile.
            true => known,
            // However fresh, it may be from before something that has changed it.
            false if is_fresh && !known.is_doubted => return None,
            false => match desk.ask_again(did) {
                Asked::Waiting(look_up) => waited(look_up, who, patience).await?,
                Asked::Known(_) | Asked::Denied(_) | Asked::Forbidden => return None,
            },
        };
        match known.answer {
            Answered::Found(key) if key == used.key => None,
            Answered::Unknown => None,
            Answered::Found(_) | Answered::Nothing => Some(KeyAnswer::of(known, Denied::Away)),
        }
    }

    /// The account's key may have changed: the next commit looks again, if that is not too often.
    pub(super) fn doubt(&self, did: &str) {
        if let Some(desk) = self.desk(Who::knows(did)) {
            desk.doubt(did);
        }
    }

    /// Who has the documents of such accounts.
    fn desk(&self, who: Who) -> Option<&Desk> {
        match who {
            Who::Plc => Some(&self.directory),
            Who::Web => Some(&self.strangers),
            Who::Unsupported => None,
        }
    }
}

/// What a look-up has found; `None` when there was no more patience for it.
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
