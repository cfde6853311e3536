use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::cache::Cache;
use super::*;

const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

fn document() -> Value {
    json!({
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": DID,
        "alsoKnownAs": ["at://alice.example"],
        "verificationMethod": [{"id": format!("{DID}#atproto"), "type": "Multikey", "controller": DID, "publicKeyMultibase": "zQ3s"}],
        "service": [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://morel.us-east.host.bsky.network"}],
    })
}

#[test]
fn metadata_is_written_as_at_kafka_writes_it() {
    let identity = Identity::parse(DID, document().to_string().as_bytes()).unwrap();
    let profile = json!({"did": DID, "handle": "alice.example", "followersCount": 5}).to_string();
    let known = Known::of(
        Some(&identity),
        Some("2023-04-12T04:53:57.057Z"),
        Some(&profile),
        1_783_175_888_085_434,
    );
    assert_eq!(
        known.host.as_deref(),
        Some("morel.us-east.host.bsky.network")
    );
    let written: Value = serde_json::from_slice(&known.json).unwrap();
    let mut kept = document();
    kept.as_object_mut().unwrap().remove("@context");
    assert_eq!(
        written,
        json!({
            "didDocument": kept,
            "pdsHost": "https://morel.us-east.host.bsky.network",
            "handle": "alice.example",
            "didCreatedAt": "2023-04-12T04:53:57.057Z",
            "accountAge": 101_900_651,
            "profile": {"did": DID, "handle": "alice.example", "followersCount": 5},
        })
    );
    let nothing = Known::of(None, None, None, 1_783_175_888_085_434);
    assert_eq!(nothing.json, UNKNOWN);
    assert!(!nothing.has_identity);
}

#[test]
fn a_document_of_somebody_else_is_none() {
    let text = document().to_string();
    assert!(Identity::parse("did:plc:other", text.as_bytes()).is_none());
    assert!(Identity::parse(DID, b"[]").is_none());
    let nameless = json!({"id": DID}).to_string();
    let nameless = Identity::parse(DID, nameless.as_bytes()).unwrap();
    assert_eq!(
        (nameless.handle.as_str(), nameless.pds.as_str()),
        ("handle.invalid", "")
    );
}

proptest! {
    #[test]
    fn a_budget_never_gives_more_than_its_burst_and_its_rate(
        per_second in 1_u32..500,
        burst in 1_u32..200,
        steps in prop::collection::vec(0_u64..50_000, 1..300),
    ) {
        let mut budget = Budget::new(per_second, burst);
        let begun = 1_000_000_000_000_u64;
        let mut now = begun;
        let mut used: Vec<u64> = Vec::new();
        for step in steps {
            now += step;
            used.push(now + budget.take(now).as_micros() as u64);
        }
        let each_us = 1_000_000 / u64::from(per_second);
        for (first, from) in used.iter().enumerate() {
            for (last, to) in used.iter().enumerate().skip(first) {
                let within = (to - from) / each_us + u64::from(burst) + 1;
                prop_assert!((last - first + 1) as u64 <= within);
            }
        }
    }

    #[test]
    fn a_cache_keeps_what_was_used_last_and_never_too_much(
        capacity in 2_usize..50,
        keys in prop::collection::vec(0_u32..100, 1..300),
    ) {
        let mut cache = Cache::new(capacity);
        for key in &keys {
            if cache.get(key).is_none() {
                cache.put(*key, *key);
            }
            prop_assert!(cache.len() <= capacity.max(2));
            prop_assert_eq!(cache.get(key), Some(key));
        }
        cache.remove(&keys[0]);
        prop_assert_eq!(cache.get(&keys[0]), None);
    }
}

struct Hands(AtomicU64);

impl Clock for Hands {
    fn now_us(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

fn desk(clock: &Arc<Hands>) -> Desk<String> {
    let config = EnrichConfig {
        lookups_per_second: 1_000_000,
        burst: 1_000_000,
        ..EnrichConfig::default()
    };
    let metrics = fanjet_telemetry::Metrics::new().unwrap().meter("test");
    let budget = Arc::new(Mutex::new(Budget::new(1_000_000, 1_000_000)));
    Desk::new((
        Kind::Audit,
        config,
        clock.clone(),
        Metrics::new(&metrics),
        budget,
    ))
}

#[tokio::test(start_paused = true)]
async fn an_account_is_looked_up_once_at_a_time_and_remembered_also_when_there_is_none() {
    let clock = Arc::new(Hands(AtomicU64::new(1_783_175_888_000_000)));
    let desk = desk(&clock);
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let serving = desk.run(move |did| {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            match &*did {
                "away" => Err(http::NoAnswer),
                "none" => Ok(None),
                did => Ok(Some(format!("of {did}"))),
            }
        })
    });
    let using = async {
        let waits = [
            desk.ask("a"),
            desk.ask("a"),
            desk.ask("none"),
            desk.ask("away"),
        ];
        join_all(waits.into_iter().flatten()).await;
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        assert_eq!(desk.remembered("a").unwrap().as_str(), "of a");
        for known in ["a", "none", "away"] {
            assert!(desk.ask(known).is_none(), "{known}");
        }
        // Nobody's silence is forgotten first, then the no, then the answer.
        for (seconds, again) in [(31, "away"), (15 * 60, "none"), (3_600, "a")] {
            clock.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
            let waiting = desk.ask(again);
            assert!(waiting.is_some(), "{again}");
            waiting.unwrap().await.unwrap();
        }
        assert_eq!(asked.load(Ordering::SeqCst), 6);
        desk.forget("a");
        assert!(desk.ask("a").is_some());
    };
    tokio::select! {
        () = serving => panic!("it ended"),
        () = using => {}
    }
}
