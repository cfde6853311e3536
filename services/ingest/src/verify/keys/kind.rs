//! How keys are looked up: how often, and for how long an answer counts.

use std::time::Duration;

use fanjet_did_web::Reach;
use fanjet_identity::{Admission, Ended, Kind, Limits, NoAnswer, Rate, Shares, SiteLimits, Who};
use fanjet_verify::PublicKey;

use crate::config::VerifyConfig;
use crate::metrics::IngestMetrics;

/// Look-ups of one DID: a few at once, because accounts move, and then one a minute, whatever it sends.
const OF_A_DID: Rate = Rate::new(Duration::from_secs(60), 4);
/// Look-ups per second of one site of did:web.
const OF_A_SITE: u32 = 2;
/// At most so many at once: what the budgets let start within a timeout of some seconds.
const AT_ONCE: usize = 1_000;

/// Looks keys up.
pub(super) type Desk = fanjet_identity::Lookups<PublicKey, Key>;

/// The keys that are in DID documents.
pub(super) struct Key {
    key_ttl: Duration,
    missing_ttl: Duration,
    metrics: IngestMetrics,
}

/// Of accounts that the PLC directory knows: one site, which may take all there is.
pub(super) fn directory(config: &VerifyConfig, metrics: IngestMetrics) -> Desk {
    desk(config, metrics, config.lookups_per_second)
}

/// Of accounts whose documents are on strangers' hosts. Their silence counts against their site, and not against the
/// directory.
pub(super) fn strangers(config: &VerifyConfig, metrics: IngestMetrics) -> Desk {
    desk(config, metrics, OF_A_SITE)
}

fn desk(config: &VerifyConfig, metrics: IngestMetrics, of_a_site: u32) -> Desk {
    let per_second = |count| Rate::per_second(count, count);
    let gate = SiteLimits::new(per_second(config.lookups_per_second), per_second(of_a_site));
    let limits = Limits {
        cached: config.cached_keys,
        // Keys have a few bytes, and DIDs that somebody may know no more than a host name.
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
    Desk::new(kind, limits, Admission::at_once(gate))
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
            // Asked again as soon as that is not too often.
            Err(_) => Duration::ZERO,
        }
    }

    fn ended(&self, ended: Ended, _remembered: usize) {
        self.metrics.key_looked_up(ended);
    }
}
