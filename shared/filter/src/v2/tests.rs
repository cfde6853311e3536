use fanjet_event::{Action, Nsid, Topic};

use super::*;
use crate::Protocol;

const CURRENT: u32 = 1_000_000_007;
const OLD: u32 = 40_000;

fn parse(query: &str) -> Result<V2Options, V2Error> {
    V2Options::parse(query, None, &[CURRENT, OLD])
}

fn refusal(query: &str) -> (&'static str, String) {
    let error = parse(query).expect_err(query);
    (error.name(), error.to_string())
}

fn many(name: &str, value: &str, count: usize) -> String {
    vec![format!("{name}={value}"); count].join("&")
}

fn topic(collection: &str) -> Topic {
    Topic::Commit(Nsid::parse(collection).unwrap().shared())
}

/// The words of the events that pass.
fn passing(query: &str, did: &str) -> Vec<&'static str> {
    let filter = parse(query).expect(query).filter;
    assert_eq!(filter.protocol(), Protocol::V2);
    let events = [
        ("post", topic("app.bsky.feed.post"), Some(Action::Create)),
        ("unlike", topic("app.bsky.feed.like"), Some(Action::Delete)),
        ("other", topic("app.bsky.feedx.y"), Some(Action::Update)),
        ("identity", Topic::Identity, None),
        ("account", Topic::Account, None),
        ("sync", Topic::Sync, None),
    ];
    let passing = events
        .into_iter()
        .filter(|(_, topic, action)| filter.matches(topic, *action, did, 100));
    passing.map(|(word, ..)| word).collect()
}

#[test]
fn lists_are_independent_and_sync_is_a_kind() {
    let (one, other) = ("did:plc:a", "did:plc:b");
    let all = ["post", "unlike", "other", "identity", "account", "sync"];
    for (query, expected) in [
        ("", &all[..]),
        ("kinds=commit", &all[..3]),
        ("kinds=sync", &all[5..]),
        (
            "kinds=sync&kinds=identity&kinds=sync&kinds=sync",
            &["identity", "sync"],
        ),
        ("kinds=commit&kinds=identity&kinds=account&kinds=sync", &all),
        (
            "collections=app.bsky.feed.*",
            &["post", "unlike", "identity", "account", "sync"],
        ),
        (
            "collections=app.bsky.feed.post",
            &["post", "identity", "account", "sync"],
        ),
        ("collections=app.bsky.feed.post&kinds=commit", &["post"]),
        ("dids=did:plc:a", &all),
        ("dids=did:plc:a&kinds=account", &["account"]),
        (
            "dids=did:plc:a&collections=app.bsky.feedx.y&kinds=commit",
            &["other"],
        ),
        ("maxMessageSizeBytes=0", &all),
        ("maxMessageSizeBytes=100", &all),
        ("maxMessageSizeBytes=99", &[]),
        ("unknown=x&Kinds=nothing&wanteddids=x", &all),
    ] {
        assert_eq!(passing(query, one), expected, "{query}");
        if query.contains("dids=did:plc:a") {
            assert!(passing(query, other).is_empty(), "{query}");
        }
    }
}

#[test]
fn the_filter_without_lists_is_one_filter() {
    let all = parse("").unwrap().filter;
    let named = "kinds=commit&kinds=identity&kinds=account&kinds=sync";
    assert_eq!(parse(named).unwrap().filter, all);
    assert_ne!(all, Filter::default(), "v1 serves no sync events");
}

#[test]
fn refused_values_are_named_in_the_words_of_v2() {
    for (query, expected) in [
        (
            "kinds=Commit",
            "unknown kind \"Commit\" (valid: commit, identity, account, sync)",
        ),
        (
            "kinds=",
            "unknown kind \"\" (valid: commit, identity, account, sync)",
        ),
        (&many("kinds", "commit", 5), "too many kinds values: 5 > 4"),
        (
            &many("dids", "did:plc:a", 10_001),
            "too many dids values: 10001 > 10000",
        ),
        (
            &many("collections", "a.b.c", 101),
            "too many collections values: 101 > 100",
        ),
        ("dids=nope", "invalid DID: nope"),
        ("dids=", "invalid DID: "),
        ("collections=app.bsky", "invalid collection: app.bsky"),
        ("collections=", "invalid collection: "),
        (
            "collections=app.bsky.fo*",
            "invalid collection: app.bsky.fo*",
        ),
        ("collections=app.*", "invalid collection wildcard: app.*"),
        ("collections=.*", "invalid collection wildcard: .*"),
        (
            "collections=single.*",
            "invalid collection wildcard: single.*",
        ),
        (
            "collections=-bad.example.*",
            "invalid collection wildcard: -bad.example.*",
        ),
        (
            "collections=not_an_nsid.*",
            "invalid collection wildcard: not_an_nsid.*",
        ),
        (
            "collections=app.bsky..*",
            "invalid collection wildcard: app.bsky..*",
        ),
        ("collections=a..b.*", "invalid collection wildcard: a..b.*"),
        (
            "collections=app.bsky.feed.*.*",
            "invalid collection wildcard: app.bsky.feed.*.*",
        ),
        (
            "collections=a.b.c&kinds=identity",
            "collections filter can never apply: kinds excludes commit",
        ),
        (
            "wantedDids",
            "wantedDids is the legacy /subscribe parameter; use dids",
        ),
        (
            "wantedDids=",
            "wantedDids is the legacy /subscribe parameter; use dids",
        ),
        (
            "wantedCollections=x.y.z",
            "wantedCollections is the legacy /subscribe parameter; use collections",
        ),
        (
            "requireHello=false",
            "requireHello is not supported on this endpoint; it is server-push only (subscriber-sourced messages were removed)",
        ),
        (
            "maxMessageSizeBytes=",
            "maxMessageSizeBytes must be one unsigned 32-bit integer",
        ),
        (
            "maxMessageSizeBytes=1&maxMessageSizeBytes=1",
            "maxMessageSizeBytes must be one unsigned 32-bit integer",
        ),
        ("maxMessageSizeBytes=x", "invalid maxMessageSizeBytes \"x\""),
        (
            "maxMessageSizeBytes=-1",
            "invalid maxMessageSizeBytes \"-1\"",
        ),
        (
            "maxMessageSizeBytes=%2B1",
            "invalid maxMessageSizeBytes \"+1\"",
        ),
        (
            "maxMessageSizeBytes=4294967296",
            "invalid maxMessageSizeBytes \"4294967296\"",
        ),
        ("a=%zz", "invalid URL escape \"%zz\""),
        ("a=%2", "invalid URL escape \"%2\""),
        ("a=%41%4", "invalid URL escape \"%4\""),
        ("a;b", "invalid semicolon separator in query"),
    ] {
        let expected = format!("subscribe: invalid options: {expected}");
        assert_eq!(refusal(query), ("InvalidRequest", expected), "{query}");
    }
}

#[test]
fn upper_case_labels_and_exact_limits_are_accepted() {
    for query in [
        "collections=App.Bsky.*&collections=Com.Example.thing",
        &many("collections", "a.b.c", 100),
        &many("dids", "did:plc:a", 10_000),
        "maxMessageSizeBytes=4294967295",
        "wantedKinds=nothing&heartbeat=x&format=x",
    ] {
        assert!(parse(query).is_ok());
    }
}

#[test]
fn compression_is_asked_for_by_dictionary_only() {
    let compress = "subscribe: invalid options: compress and Socket-Encoding are not supported on this endpoint; use zstdDictionary=1000000007 with the dictionary from getZstdDictionary";
    assert_eq!(
        refusal("compress=true"),
        ("InvalidRequest", compress.to_owned())
    );
    let header = V2Options::parse("", Some(b"gzip, zstd"), &[CURRENT]);
    assert_eq!(header, Err(V2Error::Compress { current: CURRENT }));
    for query in [
        "compress=false",
        "compress=True",
        "compress=1",
        "compress",
        "zstdDictionary=",
    ] {
        assert_eq!(parse(query).unwrap().dictionary, None, "{query}");
    }
    for (id, dictionary) in [(CURRENT, 0), (OLD, 1)] {
        let query = format!("zstdDictionary={id}");
        assert_eq!(parse(&query).unwrap().dictionary, Some(dictionary));
    }
    let no_id = "zstdDictionary must be a positive integer zstd dictionary ID";
    for id in ["0", "-1", "abc", "4294967296", "%2B5", "1.5"] {
        let query = format!("zstdDictionary={id}");
        assert_eq!(
            refusal(&query),
            ("InvalidRequest", no_id.to_owned()),
            "{id}"
        );
    }
    let unknown = "unknown zstd dictionary id 1; current dictionary id is 1000000007 (fetch it via getZstdDictionary and reconnect)";
    assert_eq!(
        refusal("zstdDictionary=1"),
        ("UnknownZstdDictionary", unknown.to_owned())
    );
}

#[test]
fn cursors_are_numbers_from_0_on() {
    for (query, cursor) in [
        ("", None),
        ("cursor=", None),
        ("cursor=0", Some(Cursor::Seq(0))),
        ("cursor=250&cursor=abc", Some(Cursor::Seq(250))),
        (
            "cursor=999999999999999",
            Some(Cursor::Seq(999_999_999_999_999)),
        ),
        (
            "cursor=1000000000000000",
            Some(Cursor::TimeUs(1_000_000_000_000_000)),
        ),
        (
            "cursor=9223372036854775807",
            Some(Cursor::TimeUs(i64::MAX as u64)),
        ),
    ] {
        assert_eq!(parse(query).unwrap().cursor, cursor, "{query}");
    }
    for (cursor, shown) in [
        ("abc", "\"abc\""),
        ("1.5", "\"1.5\""),
        ("9223372036854775808", "\"9223372036854775808\""),
        ("-1", "negative value -1"),
    ] {
        let expected = format!("subscribe: invalid cursor: {shown}");
        let query = format!("cursor={cursor}");
        assert_eq!(refusal(&query), ("InvalidRequest", expected));
    }
}

#[test]
fn the_first_check_that_fails_answers() {
    // Each of these also fails every later check.
    for (query, word) in [
        (
            "a=%zz&compress=true&zstdDictionary=x&requireHello&cursor=x",
            "escape",
        ),
        (
            "compress=true&zstdDictionary=x&requireHello&cursor=x",
            "compress",
        ),
        (
            "zstdDictionary=x&requireHello&kinds=x&cursor=x",
            "positive integer",
        ),
        (
            "requireHello&wantedCollections&wantedDids&kinds=x",
            "wantedDids",
        ),
        (
            "requireHello&wantedCollections&kinds=x",
            "wantedCollections",
        ),
        ("requireHello&kinds=x&dids=x", "requireHello"),
        ("kinds=x&dids=x&collections=x", "unknown kind"),
        ("dids=x&collections=.*&collections=x", "invalid DID"),
        (
            "collections=x&collections=.*&maxMessageSizeBytes=x",
            "wildcard",
        ),
        (
            "collections=x&kinds=sync&maxMessageSizeBytes=x",
            "invalid collection: x",
        ),
        (
            "collections=a.b.c&kinds=sync&maxMessageSizeBytes=x",
            "never apply",
        ),
        ("maxMessageSizeBytes=x&cursor=x", "maxMessageSizeBytes"),
        ("cursor=x", "invalid cursor"),
    ] {
        let (_, text) = refusal(query);
        assert!(text.contains(word), "{query}: {text}");
    }
}

#[test]
fn all_values_together_are_bounded() {
    let query: Vec<_> = (0..600)
        .map(|n| format!("dids=did:web:{}{n}.example", "x".repeat(1900)))
        .collect();
    let (name, text) = refusal(&query.join("&"));
    assert_eq!(name, "InvalidRequest");
    assert!(text.contains("too long values"), "{text}");
}

#[test]
fn a_plan_has_bounds_and_the_lists() {
    let parse = |body: &str| PlanRequest::parse(body.as_bytes());
    let all = parse("").unwrap_err();
    assert_eq!(all.name(), "InvalidRequest");
    let empty = parse("{}").unwrap();
    assert_eq!((empty.after, empty.before), (0, None));
    assert_eq!(empty.filter, super::tests::parse("").unwrap().filter);
    let full = parse(
        r#"{"afterSeq":5,"beforeSeq":9,"kinds":["commit"],"dids":["did:plc:a"],"collections":["app.bsky.*"],"more":{}}"#,
    )
    .unwrap();
    assert_eq!((full.after, full.before), (5, Some(9)));
    let same = "kinds=commit&dids=did:plc:a&collections=app.bsky.*";
    assert_eq!(full.filter, super::tests::parse(same).unwrap().filter);
    let many = |value: &str, count: usize| format!("[{}]", vec![value; count].join(","));
    let nothing = r#" {"kinds":null,"dids":null,"collections":null,"afterSeq":null}"#;
    assert_eq!(parse(nothing).unwrap(), empty);
    for bad in [
        "[]",
        "[[],[],[],5,9]",
        "x",
        r#"{"afterSeq":-1}"#,
        r#"{"beforeSeq":-1}"#,
        r#"{"afterSeq":"1"}"#,
        r#"{"afterSeq":1.5}"#,
        r#"{"beforeSeq":5,"afterSeq":9}"#,
        r#"{"beforeSeq":5,"afterSeq":5}"#,
        r#"{"kinds":["commits"]}"#,
        r#"{"kinds":"commit"}"#,
        r#"{"kinds":[1]}"#,
        r#"{"dids":["nope"]}"#,
        r#"{"collections":["app.*"]}"#,
        r#"{"kinds":["sync"],"collections":["a.b.c"]}"#,
        &format!(r#"{{"dids":{}}}"#, many(r#""did:plc:a""#, 10_001)),
        &format!(r#"{{"dids":{}}}"#, many("\"\"", 300_000)),
        &format!(r#"{{"collections":{}}}"#, many(r#""a.b.c""#, 101)),
    ] {
        let error = parse(bad).unwrap_err();
        assert_eq!(error.name(), "InvalidRequest", "{error}");
    }
}
