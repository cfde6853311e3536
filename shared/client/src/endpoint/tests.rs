use super::*;

fn endpoint(text: &str) -> Endpoint {
    text.parse().unwrap()
}

#[test]
fn the_path_and_the_scheme_may_be_left_to_us() {
    for (text, url) in [
        ("ws://localhost:6008", "ws://localhost:6008/subscribe"),
        ("ws://localhost:6008/", "ws://localhost:6008/subscribe"),
        ("https://example.org", "wss://example.org/subscribe"),
        ("http://[::1]:1/subscribe#x", "ws://[::1]:1/subscribe"),
        ("wss://example.org/own/path", "wss://example.org/own/path"),
    ] {
        assert_eq!(endpoint(text).with([]).as_str(), url);
    }
}

#[test]
fn what_is_asked_for_stands_behind_the_urls_own_query() {
    let endpoint = endpoint("ws://h/?wantedCollections=a.b.c");
    let url = endpoint.with([("wantedDids", "did:plc:x"), ("cursor", "5")]);
    assert_eq!(
        url.as_str(),
        "ws://h/subscribe?wantedCollections=a.b.c&wantedDids=did%3Aplc%3Ax&cursor=5"
    );
    assert_eq!(endpoint.to_string(), "ws://h/subscribe");
}

#[test]
fn what_is_wrong_is_named_with_what_is_allowed() {
    for (text, parts) in [
        (
            "localhost:6008",
            ["unsupported scheme \"localhost\"", "ws://HOST"],
        ),
        ("ftp://h", ["unsupported scheme \"ftp\"", "wss://HOST"]),
        ("h", ["relative", "ws://HOST"]),
        ("ws://h?cursor=1", ["\"cursor\"", "client sets it"]),
        ("ws://h?compress=true", ["\"compress\"", "client sets it"]),
        (
            "ws://h?requireHello=true",
            ["\"requireHello\"", "client sets it"],
        ),
    ] {
        let said = text.parse::<Endpoint>().unwrap_err();
        for part in parts {
            assert!(said.contains(part), "{text}: {part:?} is not in {said:?}");
        }
    }
}

#[test]
fn v2_has_a_path_of_its_own() {
    for text in ["ws://host:6008", "ws://host:6008/subscribe"] {
        let url = endpoint(text).of_v2().with([("cursor", "5")]);
        let expected = "ws://host:6008/xrpc/network.bsky.jetstream.subscribeEvents?cursor=5";
        assert_eq!(url.as_str(), expected);
    }
    let other = endpoint("ws://host/behind/a/proxy").of_v2().with([]);
    assert_eq!(other.as_str(), "ws://host/behind/a/proxy");
}
