//! Events for a log without a firehose: bodies of a simulated world, with the DIDs of as many accounts as requested,
//! stamped with the current time.

use std::sync::Arc;

use bytes::Bytes;
use fanjet_event::{Datetime, Nsid, Topic};
use fanjet_log::{NewEvent, Origin, UpstreamId};
use fanjet_simulator::{ExpectedEvent, ExpectedKind, World, WorldConfig};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::SwarmError;

/// Number of different bodies.
const TEMPLATES: usize = 4_000;
const TIME: &str = "2026-05-25T14:23:29.950Z";
/// Letters of `did:plc`.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// An endless sequence of events.
#[derive(Debug)]
pub struct Feed {
    templates: Vec<Template>,
    accounts: u64,
    origin: Origin,
    rng: ChaCha8Rng,
    last_time: u64,
}

#[derive(Debug)]
struct Template {
    topic: Topic,
    /// The text after the digits of the time.
    rest: String,
}

impl Feed {
    /// Events of this many equally active accounts.
    ///
    /// # Errors
    /// [`SwarmError::Plan`] when the simulator cannot generate such a world.
    pub fn new(seed: u64, accounts: u64) -> Result<Self, SwarmError> {
        let bad = |what: String| SwarmError::Plan(format!("cannot generate events: {what}"));
        let config = WorldConfig {
            seed,
            records_per_repo: 50,
            ..WorldConfig::default()
        };
        let mut world = World::new(&config).map_err(|error| bad(error.to_string()))?;
        let mut templates = Vec::with_capacity(TEMPLATES);
        while templates.len() < TEMPLATES {
            templates.extend(world.next_frame().expected.iter().filter_map(template));
        }
        let upstream = UpstreamId::new("feeder").ok_or_else(|| bad("no upstream".to_owned()))?;
        let time = Datetime::parse(TIME).map_err(|error| bad(error.to_string()))?;
        Ok(Self {
            templates,
            accounts: accounts.max(1),
            origin: Origin {
                upstream,
                relay_seq: 0,
                op_index: 0,
                op_count: 1,
                time: time.shared(),
            },
            rng: ChaCha8Rng::seed_from_u64(seed),
            last_time: 0,
        })
    }

    /// The next event, stamped now.
    pub fn next(&mut self, now_us: u64) -> NewEvent {
        let time = now_us.max(self.last_time + 1);
        self.last_time = time;
        self.origin.relay_seq += 1;
        let account = self.rng.random_range(0..self.accounts);
        let template = &self.templates[self.rng.random_range(0..self.templates.len())];
        let did = did(account);
        let body = format!("{{\"did\":\"{did}\",\"time_us\":{time}{}", template.rest);
        NewEvent {
            trace: None,
            topic: template.topic.clone(),
            origin: self.origin.clone(),
            body: Bytes::from(body),
        }
    }
}

fn template(event: &ExpectedEvent) -> Option<Template> {
    let json = event.v1_json(0)?;
    let (_, rest) = json.split_once("\"time_us\":0")?;
    let topic = match &event.kind {
        ExpectedKind::Commit { collection, .. } => {
            Topic::Commit(Nsid::parse(Arc::from(collection.as_str())).ok()?)
        }
        ExpectedKind::Identity { .. } => Topic::Identity,
        ExpectedKind::Account { .. } => Topic::Account,
        ExpectedKind::Sync { .. } => return None,
    };
    let rest = rest.to_owned();
    Some(Template { topic, rest })
}

/// The DID of an account: as different from its neighbors' as real ones are.
fn did(account: u64) -> String {
    let mut did = "did:plc:".to_owned();
    let mut bits = account.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for place in 0..24 {
        if place == 12 {
            bits = account.wrapping_mul(0xd6e8_feb8_6659_fd93);
        }
        did.push(char::from(BASE32[(bits >> 59) as usize]));
        bits <<= 5;
    }
    did
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_stamped_in_order_and_read_by_the_check() {
        let mut feed = Feed::new(3, 1000).unwrap();
        let mut dids = std::collections::BTreeSet::new();
        let mut last = 0;
        for _ in 0..20_000 {
            let event = feed.next(1_700_000_000_000_000);
            let seen = crate::expected::read(&event.body).unwrap();
            assert!(seen.time_us > last);
            assert_eq!(
                event.topic.collection().map(|it| it.as_str().to_owned()),
                seen.collection.map(|it| it.into_owned())
            );
            last = seen.time_us;
            dids.insert(seen.did.into_owned());
        }
        assert_eq!(dids.len(), 1000);
    }
}
