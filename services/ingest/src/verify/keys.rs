//! The keys of accounts: remembered, looked up once, and never waited for longer than a look-up may take.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fanjet_actors::Clock;
use fanjet_event::Did;
use fanjet_verify::{PublicKey, signing_key};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::budget::{Budget, Denied};
use super::cache::Cache;
use super::config::VerifyConfig;
use super::documents::DidDocuments;
use crate::metrics::IngestMetrics;

/// A key that was looked up more recently than this is not looked up again when a signature fails: whoever sends bad
/// signatures must not make us ask for ever.
const FRESH_US: u64 = 10_000_000;

/// What is known of an account's key.
#[derive(Debug, Clone)]
pub(super) enum KeyAnswer {
    /// The key.
    Key(Arc<KnownKey>),
    /// The directory says that there is none that we could use.
    Missing,
    /// Nobody could be asked.
    Away,
    /// Too many were asked for.
    RateLimited,
}

/// A key, and when it was looked up.
#[derive(Debug)]
pub(super) struct KnownKey {
    pub(super) key: PublicKey,
    at_us: u64,
}

/// How a look-up ended: a closed set, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookupResult {
    /// A key.
    Key,
    /// No document, or one without a usable key.
    Missing,
    /// No answer, or one that makes no sense.
    Failed,
    /// No answer in time.
    Timeout,
}

impl LookupResult {
    /// The metric label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Missing => "missing",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
        }
    }
}

#[derive(Debug, Clone)]
struct Remembered {
    /// `None`: there is none.
    key: Option<Arc<KnownKey>>,
    until_us: u64,
}

type Lookup = Arc<OnceCell<KeyAnswer>>;

/// All keys.
pub(super) struct Keys {
    documents: Arc<dyn DidDocuments>,
    remembered: Mutex<Cache<Box<str>, Remembered>>,
    /// Look-ups that are going on, at most as many as the budgets let start within the timeout.
    under_way: Mutex<HashMap<Did, Lookup>>,
    plc: Mutex<Budget>,
    web: Mutex<Budget>,
    timeout: Duration,
    key_ttl: Duration,
    missing_ttl: Duration,
    clock: Arc<dyn Clock>,
    metrics: IngestMetrics,
}

impl Keys {
    pub(super) fn new(
        documents: Arc<dyn DidDocuments>,
        config: &VerifyConfig,
        clock: Arc<dyn Clock>,
        metrics: IngestMetrics,
    ) -> Self {
        Self {
            documents,
            remembered: Mutex::new(Cache::new(config.cached_keys)),
            under_way: Mutex::default(),
            plc: Mutex::new(Budget::new(config.lookups_per_second)),
            web: Mutex::new(Budget::new(config.lookups_per_second)),
            timeout: config.lookup_timeout,
            key_ttl: config.key_ttl,
            missing_ttl: config.missing_ttl,
            clock,
            metrics,
        }
    }

    /// The account's key, remembered or looked up.
    pub(super) async fn get(&self, did: &Did) -> KeyAnswer {
        let remembered = self.remembered.lock().get(&Box::from(did.as_str()));
        match remembered {
            Some(known) if self.now_us() < known.until_us => {
                known.key.map_or(KeyAnswer::Missing, KeyAnswer::Key)
            }
            // A key that ran out is better than none, when nobody can be asked.
            Some(Remembered { key: Some(key), .. }) => match self.look_up(did).await {
                KeyAnswer::Away | KeyAnswer::RateLimited => KeyAnswer::Key(key),
                answer => answer,
            },
            _ => self.look_up(did).await,
        }
    }

    /// Looks again for the key of an account whose signature failed under `used`. `None` when `used` is still the key,
    /// as far as can be known.
    pub(super) async fn renewed(&self, did: &Did, used: &KnownKey) -> Option<KeyAnswer> {
        if self.now_us().saturating_sub(used.at_us) < FRESH_US {
            return None;
        }
        let remembered = self.remembered.lock().get(&Box::from(did.as_str()));
        let answer = match remembered {
            // Another commit has looked meanwhile.
            Some(Remembered { key: Some(key), .. }) if key.at_us > used.at_us => {
                KeyAnswer::Key(key)
            }
            _ => self.look_up(did).await,
        };
        match &answer {
            KeyAnswer::Key(key) if key.key == used.key => None,
            _ => Some(answer),
        }
    }

    /// The account's key may have changed: the next commit looks again.
    pub(super) fn doubt(&self, did: &str) {
        let mut remembered = self.remembered.lock();
        let did = Box::from(did);
        if let Some(known) = remembered.get(&did) {
            remembered.put(
                did,
                Remembered {
                    until_us: 0,
                    ..known
                },
            );
        }
    }

    /// Joins the look-up that is going on for this account, or starts one.
    async fn look_up(&self, did: &Did) -> KeyAnswer {
        let joined = {
            let mut under_way = self.under_way.lock();
            match under_way.get(did) {
                Some(lookup) => lookup.clone(),
                None => {
                    match self.budget(did).lock().take(self.now_us()) {
                        Err(Denied::Away) => return KeyAnswer::Away,
                        Err(Denied::RateLimited) => return KeyAnswer::RateLimited,
                        Ok(()) => {}
                    }
                    under_way.entry(did.clone()).or_default().clone()
                }
            }
        };
        let answer = joined.get_or_init(|| self.ask(did)).await.clone();
        let mut under_way = self.under_way.lock();
        if under_way
            .get(did)
            .is_some_and(|lookup| Arc::ptr_eq(lookup, &joined))
        {
            under_way.remove(did);
        }
        answer
    }

    async fn ask(&self, did: &Did) -> KeyAnswer {
        let asked = tokio::time::timeout(self.timeout, self.documents.get(did)).await;
        let now_us = self.now_us();
        let (result, key) = match asked {
            Err(_elapsed) => (LookupResult::Timeout, None),
            Ok(Err(_failed)) => (LookupResult::Failed, None),
            Ok(Ok(document)) => {
                let key = document.and_then(|document| signing_key(did.as_str(), &document).ok());
                match key {
                    Some(key) => (
                        LookupResult::Key,
                        Some(Arc::new(KnownKey { key, at_us: now_us })),
                    ),
                    None => (LookupResult::Missing, None),
                }
            }
        };
        self.metrics.key_looked_up(result);
        let has_answered = matches!(result, LookupResult::Key | LookupResult::Missing);
        self.budget(did).lock().ended(has_answered, now_us);
        if !has_answered {
            return KeyAnswer::Away;
        }
        let ttl = if key.is_some() {
            self.key_ttl
        } else {
            self.missing_ttl
        };
        let until_us = now_us.saturating_add(u64::try_from(ttl.as_micros()).unwrap_or(u64::MAX));
        self.remembered.lock().put(
            Box::from(did.as_str()),
            Remembered {
                key: key.clone(),
                until_us,
            },
        );
        key.map_or(KeyAnswer::Missing, KeyAnswer::Key)
    }

    /// did:web hosts are strangers: their silence must not count against the directory.
    fn budget(&self, did: &Did) -> &Mutex<Budget> {
        if did.as_str().starts_with("did:web:") {
            &self.web
        } else {
            &self.plc
        }
    }

    fn now_us(&self) -> u64 {
        self.clock.now_us()
    }
}

#[cfg(test)]
mod tests;
