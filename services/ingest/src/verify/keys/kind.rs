//! How keys are looked up: how often, and how long a result is valid.

use std::time::Duration;

use fanjet_did_web::Reach;
use fanjet_identity::{Admission, Ended, Kind, Limits, NoAnswer, Rate, Shares, SiteLimits, Who};
use fanjet_verify::PublicKey;

use crate::config::VerifyConfig;
use crate::metrics::IngestMetrics;

/// Lookups of one DID: a small burst, because accounts move, and then one per minute, whatever the account sends.
const OF_A_DID: Rate = Rate::new(Duration::from_secs(60), 4);
/// Lookups per second for one did:web site.
const OF_A_SITE: u32 = 2;
/// The most concurrent lookups: what the budgets allow within a timeout of some seconds.
const AT_ONCE: usize = 1_000;

/// Looks up keys.
pub(super) type KeyLookups = fanjet_identity::Lookups<PublicKey, Key>;

/// The keys in DID documents.
pub(super) struct Key {
    key_ttl: Duration,
    missing_ttl: Duration,
    metrics: IngestMetrics,
}

/// For accounts in the PLC directory: a single site, which may use the whole budget.
pub(super) fn directory(config: &VerifyConfig, metrics: IngestMetrics) -> KeyLookups {
    lookups(config, metrics, config.lookups_per_second)
}

/// For accounts whose documents are on arbitrary hosts. A host that does not respond counts against its own site, not
/// against the directory.
pub(super) fn web(config: &VerifyConfig, metrics: IngestMetrics) -> KeyLookups {
    lookups(config, metrics, OF_A_SITE)
}

fn lookups(config: &VerifyConfig, metrics: IngestMetrics, of_a_site: u32) -> KeyLookups {
    let per_second = |count| Rate::per_second(count, count);
    let gate = SiteLimits::new(per_second(config.lookups_per_second), per_second(of_a_site));
    let limits = Limits {
        cached: config.cached_keys,
        // A key has a few bytes, and a DID with a key is no longer than a host name.
        cached_bytes: usize::MAX,
        of_key: OF_A_DID,
        shares: Shares {
            waiting: AT_ONCE,
            waiting_of_one: AT_ONCE,
            under_way: AT_ONCE,
            under_way_of_one: AT_ONCE,
        },
        timeout: config.lookup_timeout,
    };
    let kind = Key {
        key_ttl: config.key_ttl,
        missing_ttl: config.missing_ttl,
        metrics,
    };
    KeyLookups::new(kind, limits, Admission::at_once(gate))
}

impl Kind<PublicKey> for Key {
    fn site(&self, did: &str) -> Option<String> {
        Who::site(did, Reach::Public)
    }

    fn bytes(&self, _key: &PublicKey) -> usize {
        size_of::<PublicKey>()
    }

    fn time_to_live(&self, found: &Result<Option<PublicKey>, NoAnswer>) -> Duration {
        match found {
            Ok(Some(_)) => self.key_ttl,
            Ok(None) => self.missing_ttl,
            // Looked up again as soon as the budget allows.
            Err(_) => Duration::ZERO,
        }
    }

    fn ended(&self, ended: Ended, _remembered: usize) {
        self.metrics.key_looked_up(ended);
    }
}
