use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fanjet_identity::NoAnswer;
use serde_json::{Value, json};

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
    assert_eq!(identity.handle.as_deref(), Some("alice.example"));
    let found = Found {
        identity: Some(&identity),
        handle: Handle::Verified("alice.example"),
        created_at: Some("2023-04-12T04:53:57.057Z"),
        profile: Some(&profile),
        is_stale: false,
    };
    let now_us = 1_783_175_888_085_434;
    let known = Known::of(found, now_us);
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
    // at-kafka's value for a handle of another account, and no value without a result.
    for (handle, expected) in [
        (Handle::Invalid, json!("handle.invalid")),
        (Handle::Unverified, Value::Null),
    ] {
        let known = Known::of(Found { handle, ..found }, now_us);
        let written: Value = serde_json::from_slice(&known.json).unwrap();
        assert_eq!(written["handle"], expected);
        assert_eq!(written.get("handle").is_none(), expected.is_null());
    }
    let nothing = Found {
        identity: None,
        handle: Handle::Invalid,
        created_at: None,
        profile: None,
        is_stale: false,
    };
    let nothing = Known::of(nothing, now_us);
    assert_eq!(nothing.json, metadata::UNKNOWN);
    assert!(!nothing.has_identity);
}

#[test]
fn a_document_of_another_account_is_rejected() {
    let text = document().to_string();
    assert!(Identity::parse("did:plc:other", text.as_bytes()).is_none());
    assert!(Identity::parse(DID, b"[]").is_none());
    let nameless = json!({"id": DID}).to_string();
    let nameless = Identity::parse(DID, nameless.as_bytes()).unwrap();
    assert_eq!((nameless.handle, nameless.pds.as_str()), (None, ""));
}

fn lookups() -> Lookups<String> {
    lookups_of(LookUp::Audit)
}

fn lookups_of(kind: LookUp) -> Lookups<String> {
    let config = EnrichConfig {
        lookups_per_second: 1_000_000,
        burst: 1_000_000,
        ..EnrichConfig::default()
    };
    let metrics = fanjet_telemetry::Metrics::new().unwrap().meter("test");
    let budget = Arc::new(Budget::new(Rate::per_second(1_000_000, 1_000_000)));
    Subject::new(kind, &config, &Metrics::new(&metrics)).lookups(budget)
}

fn remembered(lookups: &Lookups<String>, key: &str) -> (Option<String>, bool) {
    let known = lookups.remembered(key);
    (known.answer.found().cloned(), known.is_stale)
}

#[tokio::test(start_paused = true)]
async fn each_account_has_one_lookup_at_a_time_and_every_result_is_cached() {
    let lookups = lookups();
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let serving = lookups.run(move |did| {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            match &*did {
                "away" => Err(NoAnswer::Timeout),
                "none" => Ok(None),
                did => Ok(Some(format!("of {did}"))),
            }
        })
    });
    let using = async {
        let waits = [
            ask(&lookups, "a"),
            ask(&lookups, "a"),
            ask(&lookups, "none"),
            ask(&lookups, "away"),
        ];
        join_all(waits.into_iter().flatten()).await;
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        assert_eq!(remembered(&lookups, "a"), (Some("of a".to_owned()), false));
        let none = lookups.remembered("none");
        assert!(matches!(none.answer, Answered::Nothing) && !none.is_stale);
        assert!(matches!(
            lookups.remembered("away").answer,
            Answered::Unknown
        ));
        for known in ["a", "none", "away"] {
            assert!(ask(&lookups, known).is_none(), "{known}");
        }
        // Failed lookups are dropped from the cache first, then the definite no, then the result.
        for (seconds, again) in [(31, "away"), (15 * 60, "none"), (3_600, "a")] {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            let waiting = ask(&lookups, again);
            assert!(waiting.is_some(), "{again}");
            waiting.unwrap().await;
        }
        assert_eq!(asked.load(Ordering::SeqCst), 6);
    };
    tokio::select! {
        () = serving => panic!("it ended"),
        () = using => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_doubted_result_is_kept_and_marked_until_the_next_response() {
    let lookups = lookups();
    let (is_away, asked) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let (away, count) = (Arc::clone(&is_away), Arc::clone(&asked));
    let serving = lookups.run(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let is_away = away.load(Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            match is_away {
                true => Err(NoAnswer::Timeout),
                false => Ok(Some(number.to_string())),
            }
        })
    });
    let known = |number: u64, is_stale| (Some(number.to_string()), is_stale);
    let using = async {
        ask(&lookups, "a").unwrap().await;
        assert_eq!(remembered(&lookups, "a"), known(0, false));
        is_away.store(true, Ordering::SeqCst);
        lookups.doubt("a");
        ask(&lookups, "a").unwrap().await;
        assert_eq!(remembered(&lookups, "a"), known(0, true));
        // It is not looked up again at once.
        assert!(ask(&lookups, "a").is_none());
        is_away.store(false, Ordering::SeqCst);
        tokio::time::advance(NO_ANSWER).await;
        ask(&lookups, "a").unwrap().await;
        assert_eq!(remembered(&lookups, "a"), known(2, false));
        // The response may not contain a change that happens during the lookup.
        lookups.doubt("a");
        let waiting = ask(&lookups, "a").unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        lookups.doubt("a");
        waiting.await;
        assert_eq!(remembered(&lookups, "a"), known(3, true));
        ask(&lookups, "a").unwrap().await;
        assert_eq!(remembered(&lookups, "a"), known(4, false));
    };
    tokio::select! {
        () = serving => panic!("it ended"),
        () = using => {}
    }
}

/// Longer than a missing response is cached.
const NO_ANSWER: Duration = Duration::from_secs(31);

#[tokio::test(start_paused = true)]
async fn many_silent_names_of_one_site_delay_no_others() {
    for (kind, prefix) in [(LookUp::Handle, ""), (LookUp::Web, "did:web:")] {
        let lookups = lookups_of(kind);
        let serving = lookups.run(|key| {
            Box::pin(async move {
                if key.ends_with("silent.com") {
                    std::future::pending::<()>().await;
                }
                Ok(Some(key.into_string()))
            })
        });
        let using = async {
            for number in 0..1_000 {
                let name = format!("{prefix}a{number}.silent.com");
                assert!(ask(&lookups, &name).is_some());
            }
            // Lookups at the silent hosts are in progress.
            tokio::time::sleep(Duration::from_millis(1)).await;
            let key = format!("{prefix}alice.com");
            let begun = Instant::now();
            ask(&lookups, &key).unwrap().await;
            assert_eq!(remembered(&lookups, &key), (Some(key.clone()), false));
            assert!(begun.elapsed() < Duration::from_millis(100));
        };
        tokio::select! {
            () = serving => panic!("it ended"),
            () = using => {}
        }
    }
}

/// Host names are case-insensitive, and DIDs are not.
#[tokio::test(start_paused = true)]
async fn every_spelling_of_a_name_counts_against_the_same_site() {
    const SILENT: &str = "silent.com";
    let lookups = lookups_of(LookUp::Web);
    let serving = lookups.run(|key| {
        Box::pin(async move {
            if key.to_ascii_lowercase().ends_with(SILENT) {
                std::future::pending::<()>().await;
            }
            Ok(Some(key.into_string()))
        })
    });
    let using = async {
        for number in 0..64 {
            let letters = SILENT.chars().enumerate();
            let spelled: String = letters
                .map(|(place, letter)| match number >> place & 1 {
                    1 => letter.to_ascii_uppercase(),
                    _ => letter,
                })
                .collect();
            assert!(ask(&lookups, &format!("did:web:{spelled}")).is_some());
        }
        // Lookups at the silent hosts are in progress.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let begun = Instant::now();
        let honest = ask(&lookups, "did:web:alice.com").unwrap();
        honest.await;
        assert!(begun.elapsed() < Duration::from_millis(100));
    };
    tokio::select! {
        () = serving => panic!("it ended"),
        () = using => {}
    }
}

/// One account that constantly announces changes must not use up the lookups of all others.
#[tokio::test(start_paused = true)]
async fn an_accounts_events_trigger_few_lookups() {
    let lookups = lookups();
    let asked = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&asked);
    let serving = lookups.run(move |key| {
        counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { Ok(Some(format!("of {key}"))) })
    });
    let using = async {
        for _ in 0..6_000 {
            lookups.doubt("a");
            if let Some(waiting) = ask(&lookups, "a") {
                // During its lookup, too.
                lookups.doubt("a");
                waiting.await;
            }
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        let asked = asked.load(Ordering::SeqCst);
        assert!((60..=66).contains(&asked), "{asked} look-ups in 600 s");
        assert!(lookups.remembered("a").is_stale, "it is doubted");
    };
    tokio::select! {
        () = serving => panic!("it ended"),
        () = using => {}
    }
}
