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
        assert_eq!(endpoint(text).at(None).as_str(), url);
    }
}

#[test]
fn filters_and_cursor_become_a_query_behind_the_urls_own() {
    let asked = endpoint("ws://h/?wantedCollections=a.b.c")
        .with_filter(&["app.bsky.*".to_owned()], &["did:plc:x".to_owned()])
        .with_zstd(true);
    assert_eq!(
        asked.at(Some(5)).as_str(),
        "ws://h/subscribe?wantedCollections=a.b.c&wantedCollections=app.bsky.*&wantedDids=did%3Aplc%3Ax&compress=true&cursor=5"
    );
    assert_eq!(asked.to_string(), "ws://h/subscribe");
    let nothing = endpoint("ws://h").with_filter(&[], &[]).with_zstd(false);
    assert_eq!(nothing.at(None).as_str(), "ws://h/subscribe");
}

#[test]
fn what_is_wrong_is_named_with_what_is_allowed() {
    for (text, parts) in [
        ("localhost:6008", ["scheme is \"localhost\"", "ws://HOST"]),
        ("ftp://h", ["scheme is \"ftp\"", "wss://HOST"]),
        ("h", ["relative", "ws://HOST"]),
        ("ws://h?cursor=1", ["cursor", "--cursor"]),
        ("ws://h?compress=true", ["compress", "--zstd"]),
        ("ws://h?requireHello=true", ["requireHello", "no hello"]),
    ] {
        let said = text.parse::<Endpoint>().unwrap_err();
        for part in parts {
            assert!(said.contains(part), "{text}: {part:?} is not in {said:?}");
        }
    }
}
