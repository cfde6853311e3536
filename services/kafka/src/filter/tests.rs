use fanjet_event::Topic;
use fanjet_log::{Entry, Origin, UpstreamId};

use super::*;

fn config(change: impl FnOnce(&mut KafkaConfig)) -> KafkaConfig {
    let mut config = KafkaConfig::default();
    change(&mut config);
    config
}

fn entry(did: &str, rest: &str) -> Entry {
    Entry {
        trace: None,
        seq: 1,
        topic: Topic::Identity,
        origin: Origin {
            upstream: UpstreamId::new("relay").unwrap(),
            relay_seq: 1,
            op_index: 0,
            op_count: 1,
            time: "2026-07-04T14:38:08.999Z".parse().unwrap(),
        },
        body: format!(r#"{{"did":"{did}","time_us":1783175888085434{rest}"#).into(),
    }
}

fn commit(collection: &str) -> Entry {
    let rest = format!(
        r#","kind":"commit","commit":{{"rev":"3l3qo2vutsw2b","operation":"delete","collection":"{collection}","rkey":"x"}}}}"#
    );
    entry("did:plc:abc", &rest)
}

fn skip(wanted: &Wanted, entry: &Entry) -> Option<Skip> {
    wanted.skip(&Event::of(entry).unwrap())
}

#[test]
fn collections_are_watched_or_ignored_exactly_or_below_a_prefix() {
    let watched = config(|config| {
        config.filter.watched_collections = ["app.bsky.feed.*", "chat.bsky"].iter().collect();
    });
    let watched = Wanted::new(&watched).unwrap();
    let ignored = config(|config| {
        config.filter.ignored_collections = ["app.bsky.feed.*", "chat.bsky."].iter().collect();
    });
    let ignored = Wanted::new(&ignored).unwrap();
    for (collection, is_listed) in [
        ("app.bsky.feed.post", true),
        ("app.bsky.feed", true),
        ("app.bsky.feedback.post", false),
        ("app.bsky.graph.follow", false),
        ("chat.bsky.actor.declaration", true),
    ] {
        let (skipped, entry) = (Some(Skip::Collection), commit(collection));
        assert_eq!(
            skip(&watched, &entry),
            if is_listed { None } else { skipped },
            "{collection}"
        );
        assert_eq!(
            skip(&ignored, &entry),
            if is_listed { skipped } else { None },
            "{collection}"
        );
    }
    let account = entry(
        "did:plc:abc",
        r#","kind":"account","account":{"active":true,"seq":1}}"#,
    );
    assert_eq!(skip(&watched, &account), None);
}

#[test]
fn hosts_are_watched_or_ignored_exactly_or_below_a_suffix() {
    let watched = config(|config| {
        config.filter.watched_services = ["*.bsky.network", "pds.example"].iter().collect();
    });
    let watched = Wanted::new(&watched).unwrap();
    for (host, is_listed) in [
        (Some("morel.us-east.host.bsky.network"), true),
        (Some("bsky.network"), true),
        (Some("evilbsky.network"), false),
        (Some("pds.example"), true),
        (Some("pds.example.org"), false),
        (Some(""), true),
        (None, true),
    ] {
        assert_eq!(watched.skip_host(host).is_none(), is_listed, "{host:?}");
    }
}

#[test]
fn patterns_that_cannot_match_are_rejected() {
    for bad in ["*", "*.post", "app.*.feed", "app bsky", ".*"] {
        let config = config(|config| config.filter.watched_collections = [bad].iter().collect());
        let error = Wanted::new(&config).unwrap_err().to_string();
        assert!(
            error.contains("kafka.filter.watched_collections") && error.contains(bad),
            "{error}"
        );
    }
}

#[test]
fn sync_events_are_produced_only_if_enabled() {
    let sync = entry(
        "did:plc:abc",
        r#","kind":"sync","sync":{"seq":1,"rev":"3l3qo2vutsw2b"}}"#,
    );
    let wanted = Wanted::new(&KafkaConfig::default()).unwrap();
    assert_eq!(skip(&wanted, &sync), Some(Skip::Sync));
    let wanted = Wanted::new(&config(|config| config.format.sync = true)).unwrap();
    assert_eq!(skip(&wanted, &sync), None);
}

#[test]
fn every_account_belongs_to_exactly_one_process() {
    let shards: Vec<_> = (0..3)
        .map(|index| {
            let config = config(|config| {
                config.shard.index = index;
                config.shard.count = 3;
            });
            Wanted::new(&config).unwrap()
        })
        .collect();
    let mut taken = [0; 3];
    for n in 0..300 {
        let account = entry(
            &format!("did:plc:{n}"),
            r#","kind":"account","account":{"active":true,"seq":1}}"#,
        );
        let takers: Vec<_> = (0..3)
            .filter(|index| skip(&shards[*index], &account).is_none())
            .collect();
        assert_eq!(takers.len(), 1);
        taken[takers[0]] += 1;
    }
    assert!(taken.iter().all(|count| *count > 50), "{taken:?}");
}
