//! How much is looked up of each kind, and how long a result is valid.

use std::sync::Arc;
use std::time::Duration;

use fanjet_did_web::site;
use fanjet_identity::{Admission, Asked, Budget, Ended, Limits, NoAnswer, Rate, Shares, Who};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::config::EnrichConfig;
use crate::look_up::LookUp;
use crate::metrics::Metrics;

/// Lookups that wait for their turn. Further ones are not made: their events go without.
const QUEUE: usize = 20_000;
/// Concurrent lookups.
const PARALLEL: usize = 64;
/// Lookups of one account triggered by its events.
const OF_AN_ACCOUNT: Rate = Rate::new(Duration::from_secs(10), 6);
/// Bytes of cached results per cached account: most have less.
const BYTES_OF_EACH: usize = 1 << 10;
/// How long a failed lookup is cached: shorter than a definite no.
const NO_ANSWER_TTL: Duration = Duration::from_secs(30);
/// How long a profile is cached that may change with the next post.
const NEW_PROFILE_TTL: Duration = Duration::from_secs(5);

/// The limits of one kind.
fn limits(kind: LookUp, config: &EnrichConfig) -> Limits {
    let of_one = if kind.is_strangers() { 4 } else { 1 };
    Limits {
        cached: config.cached,
        cached_bytes: config.cached.saturating_mul(BYTES_OF_EACH),
        of_key: OF_AN_ACCOUNT,
        shares: Shares {
            waiting: QUEUE,
            waiting_of_one: QUEUE / of_one,
            under_way: PARALLEL,
            under_way_of_one: PARALLEL / of_one,
        },
        timeout: config.lookup_timeout,
    }
}

/// The type of its results.
pub(super) trait LookupValue: Clone + Send + Sync {
    /// Whether it will soon be outdated.
    fn is_fleeting(&self) -> bool;
    /// Its size.
    fn bytes(&self) -> usize;
}

/// Runs and caches one kind of lookup.
pub(super) type Lookups<T> = fanjet_identity::Lookups<T, Subject>;

/// Completes when a result is available, or none will be.
pub(super) type Waiting = BoxFuture<'static, ()>;

/// What to wait for before more can be known; `None` when it is known, or will not be.
pub(super) fn ask<T: LookupValue + 'static>(lookups: &Lookups<T>, key: &str) -> Option<Waiting> {
    match lookups.ask(key) {
        Asked::Known(known) => {
            let Subject { kind, metrics, .. } = lookups.kind();
            metrics.looked_up(*kind, known.answer.found().is_some(), true);
            None
        }
        Asked::Waiting(look_up) => Some(look_up.ended().map(drop).boxed()),
        Asked::Denied(_) | Asked::Forbidden => None,
    }
}

/// A kind of lookup, with its settings.
pub(super) struct Subject {
    kind: LookUp,
    config: EnrichConfig,
    metrics: Metrics,
}

impl Subject {
    pub(super) fn new(kind: LookUp, config: &EnrichConfig, metrics: &Metrics) -> Self {
        Self {
            kind,
            config: config.clone(),
            metrics: metrics.clone(),
        }
    }

    /// Its lookups, as often as `budget` allows.
    pub(super) fn lookups<T: LookupValue>(self, budget: Arc<Budget>) -> Lookups<T> {
        let limits = limits(self.kind, &self.config);
        Lookups::new(self, limits, Admission::InTurn(budget))
    }
}

impl<T: LookupValue> fanjet_identity::Kind<T> for Subject {
    fn site(&self, key: &str) -> Option<String> {
        match self.kind {
            // That no host may be queried is a result, too: it is cached and counted.
            LookUp::Web => Some(Who::site(key, self.config.did_web.reach()).unwrap_or_default()),
            LookUp::Handle => Some(site(key)),
            LookUp::Identity | LookUp::Audit | LookUp::Profile => Some(String::new()),
        }
    }

    fn bytes(&self, answer: &T) -> usize {
        answer.bytes()
    }

    fn time_to_live(&self, found: &Result<Option<T>, NoAnswer>) -> Duration {
        match found {
            Ok(Some(answer)) if answer.is_fleeting() => NEW_PROFILE_TTL,
            Ok(Some(_)) => match self.kind {
                LookUp::Identity | LookUp::Web | LookUp::Handle => self.config.identity_ttl,
                LookUp::Audit => self.config.audit_ttl,
                LookUp::Profile => self.config.profile_ttl,
            },
            Ok(None) => self.config.failure_ttl,
            // An untrusted host that does not respond affects its own accounts only; the directory affects all.
            Err(_) if self.kind.is_strangers() => self.config.failure_ttl,
            Err(_) => self.config.failure_ttl.min(NO_ANSWER_TTL),
        }
    }

    fn ended(&self, ended: Ended, remembered: usize) {
        let is_known = ended == Ended::Found;
        self.metrics.looked_up(self.kind, is_known, false);
        self.metrics.remembered(self.kind, remembered);
    }
}
