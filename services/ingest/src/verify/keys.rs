//! The keys of accounts: remembered, and looked up beside the stream, which waits for an answer only as long as it is told.
//!
//! What a stranger can make us ask is bounded for each DID, for each domain of did:web, and for all together; a look-up that
//! is not allowed, or not answered in time, changes nothing in what is known.

mod lookups;

use std::sync::Arc;
use std::time::Duration;

use fanjet_event::Did;
use fanjet_verify::PublicKey;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::budget::{Budget, Denied};
use super::cache::Cache;
use super::config::VerifyConfig;
use super::crowd::Crowd;
use super::documents::DidDocuments;
use super::rate::Rate;
use super::who::Who;
use crate::metrics::IngestMetrics;
pub(crate) use lookups::LookupResult;
use lookups::{Lookup, Lookups};

/// A key that was looked up more recently than this is not looked up again when a signature fails.
const FRESH: Duration = Duration::from_secs(10);
/// Look-ups of one DID: a few at once, because accounts move, and then one a minute, whatever it sends.
const OF_A_DID: (u64, u64) = (60_000_000, 4);
/// Look-ups per second of one domain of did:web.
const OF_A_DOMAIN: u32 = 2;
/// Domains of did:web whose look-ups are remembered.
const DOMAINS: usize = 10_000;
/// How much shorter the stream waits for a stranger's host than for the directory.
const STRANGERS_SHARE: u32 = 4;

/// What is known of an account's key.
#[derive(Debug, Clone)]
pub(super) enum KeyAnswer {
    /// The key.
    Key(Arc<KnownKey>),
    /// There is none that we could use.
    Missing,
    /// Nobody could be asked, or did not answer in time.
    Away,
    /// Too many were asked for.
    RateLimited,
}

/// A key, and when it was looked up.
#[derive(Debug)]
pub(super) struct KnownKey {
    pub(super) key: PublicKey,
    at: Instant,
    /// How often it had been doubted when the look-up began.
    doubts: u64,
}

/// What is remembered of an account.
#[derive(Debug, Clone)]
struct Remembered {
    key: Option<Arc<KnownKey>>,
    /// Until when that is not doubted; `None` when it is, or when nothing was ever answered.
    until: Option<Instant>,
    /// How often something happened that may have changed the key.
    doubts: u64,
    lookups: Rate,
}

/// All keys.
pub(super) struct Keys {
    shared: Arc<Shared>,
    lookups: Lookups,
    timeout: Duration,
}

/// What look-ups share with those who wait for them.
struct Shared {
    documents: Arc<dyn DidDocuments>,
    remembered: Mutex<Cache<Box<str>, Remembered>>,
    plc: Mutex<Budget>,
    web: Mutex<Rate>,
    domains: Mutex<Cache<Box<str>, Arc<Mutex<Budget>>>>,
    timeout: Duration,
    key_ttl: Duration,
    missing_ttl: Duration,
    began: Instant,
    metrics: IngestMetrics,
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

    async fn end(&mut self, who: &Who) {
        let until = match who {
            Who::Web(_) => self.strangers,
            Who::Plc | Who::Nobody => self.directory,
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
        let shared = Arc::new(Shared {
            documents,
            remembered: Mutex::new(Cache::new(config.cached_keys)),
            plc: Mutex::new(Budget::new(config.lookups_per_second)),
            web: Mutex::new(Rate::per_second(config.lookups_per_second)),
            domains: Mutex::new(Cache::new(DOMAINS)),
            timeout: config.lookup_timeout,
            key_ttl: config.key_ttl,
            missing_ttl: config.missing_ttl,
            began: Instant::now(),
            metrics,
        });
        Self {
            lookups: Lookups::new(Arc::clone(&shared)),
            shared,
            timeout: config.lookup_timeout,
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

    /// The account's key, remembered or looked up.
    pub(super) async fn get(&self, did: &Did, patience: &Patience) -> KeyAnswer {
        let who = Who::knows(did.as_str());
        if who == Who::Nobody {
            return KeyAnswer::Missing;
        }
        let known = match self.shared.remembered(did) {
            Some(Remembered {
                key,
                until: Some(until),
                ..
            }) if Instant::now() < until => {
                return key.map_or(KeyAnswer::Missing, KeyAnswer::Key);
            }
            Some(Remembered { key, .. }) => key,
            None => None,
        };
        match (self.look_up(did, &who, patience).await, known) {
            // A key that ran out, or is doubted, is better than none.
            (KeyAnswer::Away | KeyAnswer::RateLimited, Some(key)) => KeyAnswer::Key(key),
            (answer, _) => answer,
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
        let answer = match self.shared.remembered(did) {
            // Another commit has looked meanwhile.
            Some(Remembered { key: Some(key), .. }) if key.at > used.at => KeyAnswer::Key(key),
            // It is from before something that may have changed it, however fresh.
            Some(Remembered { doubts, .. }) if doubts > used.doubts => {
                self.look_up(did, &Who::knows(did.as_str()), patience).await
            }
            _ if used.at.elapsed() < FRESH => return None,
            _ => self.look_up(did, &Who::knows(did.as_str()), patience).await,
        };
        match &answer {
            KeyAnswer::Key(key) if key.key == used.key => None,
            KeyAnswer::Away | KeyAnswer::RateLimited => None,
            KeyAnswer::Key(_) | KeyAnswer::Missing => Some(answer),
        }
    }

    /// The account's key may have changed: the next commit looks again, if that is not too often.
    pub(super) fn doubt(&self, did: &str) {
        let mut remembered = self.shared.remembered.lock();
        let did = Box::from(did);
        if let Some(known) = remembered.get(&did) {
            remembered.put(
                did,
                Remembered {
                    until: None,
                    doubts: known.doubts + 1,
                    ..known
                },
            );
        }
    }

    /// Joins the look-up that is going on for this account, or starts one, and waits for it as long as there is patience.
    async fn look_up(&self, did: &Did, who: &Who, patience: &Patience) -> KeyAnswer {
        let allow = || self.shared.allow(did, who);
        let mut lookup: Lookup = match self.lookups.join_or_start(did, who, allow) {
            Ok(lookup) => lookup,
            Err(Denied::Away) => return KeyAnswer::Away,
            Err(Denied::RateLimited) => return KeyAnswer::RateLimited,
        };
        let mut patience = patience.clone();
        tokio::select! {
            biased;
            answered = lookup.wait_for(Option::is_some) => match answered {
                Ok(answer) => answer.clone().unwrap_or(KeyAnswer::Away),
                Err(_ended) => KeyAnswer::Away,
            },
            () = patience.end(who) => KeyAnswer::Away,
        }
    }
}

impl Shared {
    fn remembered(&self, did: &Did) -> Option<Remembered> {
        self.remembered.lock().get(&Box::from(did.as_str()))
    }

    /// Whether an account's document may be asked for now; if so, that is counted.
    fn allow(&self, did: &Did, who: &Who) -> Result<(), Denied> {
        let now_us = self.now_us();
        let mut known = self.remembered(did).unwrap_or(Remembered {
            key: None,
            until: None,
            doubts: 0,
            lookups: Rate::new(OF_A_DID.0, OF_A_DID.1),
        });
        if !known.lookups.take(now_us) {
            return Err(Denied::RateLimited);
        }
        match who {
            Who::Plc => self.plc.lock().take(now_us)?,
            Who::Web(domain) => {
                // Of what is refused nothing may be counted: neither may one domain take from all, nor all from it.
                let mut web = self.web.lock();
                if !web.is_free(now_us) {
                    return Err(Denied::RateLimited);
                }
                self.domain(domain).lock().take(now_us)?;
                web.take(now_us);
            }
            Who::Nobody => return Err(Denied::Away),
        }
        self.remembered.lock().put(Box::from(did.as_str()), known);
        Ok(())
    }

    fn domain(&self, domain: &str) -> Arc<Mutex<Budget>> {
        let mut domains = self.domains.lock();
        let domain = Box::from(domain);
        domains.get(&domain).unwrap_or_else(|| {
            let budget = Arc::new(Mutex::new(Budget::new(OF_A_DOMAIN)));
            domains.put(domain, Arc::clone(&budget));
            budget
        })
    }

    /// Monotonic, and never near zero.
    fn now_us(&self) -> u64 {
        let since = self.began.elapsed() + Duration::from_secs(1);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
