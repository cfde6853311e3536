//! Look-ups that are going on: one for an account at a time, each to its own end, whoever still waits for it.

use std::collections::HashMap;
use std::sync::Arc;

use fanjet_event::Did;
use fanjet_verify::signing_key;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::super::budget::Denied;
use super::super::who::Who;
use super::{KeyAnswer, KnownKey, Shared};

/// At most so many at once: what the budgets let start within a timeout of some seconds.
const AT_ONCE: usize = 1_000;

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

/// Where the answer will be.
pub(super) type Lookup = watch::Receiver<Option<KeyAnswer>>;

/// All of them. Dropping it ends them.
pub(super) struct Lookups {
    shared: Arc<Shared>,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    by_did: HashMap<Did, Lookup>,
    tasks: JoinSet<Did>,
}

impl Lookups {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            running: Mutex::default(),
        }
    }

    /// The look-up that is going on for an account, or a new one if it is allowed.
    pub(super) fn join_or_start(
        &self,
        did: &Did,
        who: &Who,
        allow: impl FnOnce() -> Result<(), Denied>,
    ) -> Result<Lookup, Denied> {
        let mut running = self.running.lock();
        running.forget_ended();
        if let Some(lookup) = running.by_did.get(did) {
            return Ok(lookup.clone());
        }
        if running.by_did.len() >= AT_ONCE {
            return Err(Denied::RateLimited);
        }
        allow()?;
        let (sender, lookup) = watch::channel(None);
        running.by_did.insert(did.clone(), lookup.clone());
        let (shared, did, who) = (Arc::clone(&self.shared), did.clone(), who.clone());
        running.tasks.spawn(async move {
            let answer = shared.ask(&did, &who).await;
            sender.send_replace(Some(answer));
            did
        });
        Ok(lookup)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let mut running = self.running.lock();
        running.forget_ended();
        running.by_did.len()
    }
}

impl Running {
    fn forget_ended(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            match ended {
                Ok(did) => drop(self.by_did.remove(&did)),
                // One that crashed does not tell which it was: all that nobody will answer any more are looked for.
                Err(_panicked) => self.by_did.retain(|_, lookup| lookup.has_changed().is_ok()),
            }
        }
    }
}

impl Shared {
    async fn ask(&self, did: &Did, who: &Who) -> KeyAnswer {
        let doubts = self.remembered(did).map_or(0, |known| known.doubts);
        let asked = timeout(self.timeout, self.documents.get(did)).await;
        let now = Instant::now();
        let (result, key) = match asked {
            Err(_elapsed) => (LookupResult::Timeout, None),
            Ok(Err(_failed)) => (LookupResult::Failed, None),
            Ok(Ok(document)) => {
                let key = document.and_then(|document| signing_key(did.as_str(), &document).ok());
                match key {
                    Some(key) => (
                        LookupResult::Key,
                        Some(Arc::new(KnownKey {
                            key,
                            at: now,
                            doubts,
                        })),
                    ),
                    None => (LookupResult::Missing, None),
                }
            }
        };
        self.metrics.key_looked_up(result);
        let has_answered = matches!(result, LookupResult::Key | LookupResult::Missing);
        self.ended(who, has_answered);
        if !has_answered {
            return KeyAnswer::Away;
        }
        let ttl = if key.is_some() {
            self.key_ttl
        } else {
            self.missing_ttl
        };
        let mut remembered = self.remembered.lock();
        let name = Box::from(did.as_str());
        if let Some(mut known) = remembered.get(&name) {
            known.key.clone_from(&key);
            // What happened meanwhile may not be in the answer: the next commit looks again.
            let is_doubted = known.doubts > doubts;
            known.until = now.checked_add(ttl).filter(|_| !is_doubted);
            remembered.put(name, known);
        }
        drop(remembered);
        key.map_or(KeyAnswer::Missing, KeyAnswer::Key)
    }

    /// Hosts of did:web are strangers: their silence counts against their domain, and not against the directory.
    fn ended(&self, who: &Who, has_answered: bool) {
        let now_us = self.now_us();
        match who {
            Who::Plc => self.plc.lock().ended(has_answered, now_us),
            Who::Web(domain) => self.domain(domain).lock().ended(has_answered, now_us),
            Who::Nobody => {}
        }
    }
}
