use super::*;
use crate::config::IngestConfig;

fn endpoints(url: &str, fallbacks: &str) -> Result<Vec<Endpoint>, String> {
    let mut upstream = IngestConfig::default().upstream;
    upstream.url = url.to_owned();
    upstream.fallbacks = fallbacks
        .split(',')
        .map(|url| url.trim().to_owned())
        .collect();
    upstream.endpoints().map_err(|error| error.to_string())
}

fn names(endpoints: &[Endpoint]) -> Vec<&str> {
    endpoints.iter().map(|end| end.id.as_str()).collect()
}

#[test]
fn upstreams_are_named_by_host_and_port() {
    let found = endpoints(
        "wss://relay.example",
        "ws://relay.example:8080, ws://127.0.0.1:6100, https://relay.example:443/",
    );
    let words = found.unwrap_err();
    assert!(
        words.contains("two upstreams of the name \"relay.example\""),
        "{words}"
    );
    let found = endpoints(
        "wss://relay.example",
        "ws://relay.example:8080, ws://127.0.0.1:6100",
    );
    assert_eq!(
        names(&found.unwrap()),
        ["relay.example", "relay.example:8080", "127.0.0.1:6100"]
    );
}

#[test]
fn an_ipv6_literal_is_an_upstream() {
    let found = endpoints(
        "ws://[::1]",
        "ws://[::1]:6100,wss://[2001:DB8:0:0::1]:8443,ws://[::ffff:10.0.0.1]:80",
    )
    .unwrap();
    assert_eq!(
        names(&found),
        ["::1", "::1.6100", "2001:db8::1.8443", "::ffff:a00:1"]
    );
    assert_eq!(
        found[1].url.as_str(),
        "ws://[::1]:6100/xrpc/com.atproto.sync.subscribeRepos"
    );
}

#[test]
fn a_fallback_can_be_named() {
    let found = endpoints(
        "wss://a.example",
        "second=wss://b.example, third = ws://[::1]:1",
    )
    .unwrap();
    assert_eq!(names(&found), ["a.example", "second", "third"]);
    assert_eq!(found[1].url.host_str(), Some("b.example"));
    let found = endpoints("wss://a.example", "again=wss://a.example").unwrap();
    assert_eq!(names(&found), ["a.example", "again"]);
    for (fallback, parts) in [
        ("b c=wss://b.example", ["ingest.upstream.fallbacks", "b c"]),
        (
            "second=ftp://b.example",
            ["ingest.upstream.fallbacks", "ftp"],
        ),
        (
            "wss://a.example/?x=y",
            ["ingest.upstream.fallbacks", "NAME=URL"],
        ),
    ] {
        let words = endpoints("wss://a.example", fallback).unwrap_err();
        for part in parts {
            assert!(words.contains(part), "{part:?} is not in {words:?}");
        }
        assert!(!words.contains("ingest.upstream.name"), "{words}");
    }
}
