use proptest::prelude::*;

use super::*;
use crate::{List, OptionsError, SubscriberOptions};

fn parse(text: &str) -> Result<ClientMessage, MessageError> {
    ClientMessage::parse(text.as_bytes())
}

fn update(payload: &str) -> Result<Filter, MessageError> {
    let text = format!(r#"{{"type":"options_update","payload":{payload}}}"#);
    match parse(&text)? {
        ClientMessage::OptionsUpdate(update) => Ok(update.filter),
        ClientMessage::Unknown => panic!("an update"),
    }
}

fn filter(query: &str) -> Filter {
    SubscriberOptions::parse(query).unwrap().filter
}

#[test]
fn an_update_is_the_filter_that_a_query_with_the_same_values_is() {
    for (payload, query) in [
        ("{}", ""),
        ("null", ""),
        (r#"{"wantedCollections":[],"wantedDids":[]}"#, ""),
        (
            r#"{"wantedCollections":null,"wantedDids":null,"maxMessageSizeBytes":null}"#,
            "",
        ),
        (
            r#"{"wantedCollections":["app.bsky.feed.post"]}"#,
            "wantedCollections=app.bsky.feed.post",
        ),
        (
            r#"{"wantedCollections":["app.*","a.b.c","a.b.c"]}"#,
            "wantedCollections=a.b.c&wantedCollections=app.*",
        ),
        (
            r#"{"wantedDids":["did:plc:\u0061"]}"#,
            "wantedDids=did:plc:a",
        ),
        (r#"{"maxMessageSizeBytes":100}"#, "maxMessageSizeBytes=100"),
        (
            r#"{"unwantedCollections":["app.*","a.b.c"],"unwantedDids":["did:plc:a"]}"#,
            "unwantedCollections=a.b.c&unwantedCollections=app.*&unwantedDids=did:plc:a",
        ),
        (
            r#"{"wantedKinds":["commit","account"],"WANTEDOPERATIONS":["delete"]}"#,
            "wantedOperations=delete&wantedKinds=account&wantedKinds=commit",
        ),
        (
            r#"{"unwantedCollections":null,"unwantedDids":[],"wantedKinds":null,"wantedOperations":[]}"#,
            "",
        ),
    ] {
        assert_eq!(update(payload), Ok(filter(query)), "{payload}");
    }
}

#[test]
fn keys_are_read_as_gos_json_reads_them() {
    for (payload, query) in [
        (r#"{"wanteddids":["did:plc:a"]}"#, "wantedDids=did:plc:a"),
        (r#"{"WANTEDDIDS":["did:plc:a"]}"#, "wantedDids=did:plc:a"),
        (
            r#"{"wantedDid\u017f":["did:plc:a"]}"#,
            "wantedDids=did:plc:a",
        ),
        (r#"{"wantedDids ":["did:plc:a"],"wantedDid":5}"#, ""),
        // The last one wins.
        (
            r#"{"wantedDids":["bad"],"wantedDids":["did:plc:a"]}"#,
            "wantedDids=did:plc:a",
        ),
        (r#"{"wantedDids":["did:plc:a"],"WantedDids":null}"#, ""),
        (
            r#"{"maxMessageSizeBytes":5,"maxMessageSizeBytes":null}"#,
            "maxMessageSizeBytes=5",
        ),
        // An update cannot change what is fixed when connecting.
        (
            r#"{"cursor":1,"compress":{"deep":[[[]]]},"requireHello":"x"}"#,
            "",
        ),
    ] {
        assert_eq!(update(payload), Ok(filter(query)), "{payload}");
    }
    assert_eq!(
        parse(
            r#" {"Payload":5,"extra":[],"TYPE":"x","PayLoad":{},"type":"options_update","type":null} "#
        ),
        Ok(ClientMessage::OptionsUpdate(OptionsUpdate::default()))
    );
}

/// It is no part of the filter, so what an update does not name stays.
#[test]
fn an_update_may_change_the_delay() {
    let delay = |payload: &str| {
        let text = format!(r#"{{"type":"options_update","payload":{payload}}}"#);
        match parse(&text)? {
            ClientMessage::OptionsUpdate(update) => Ok(update.max_delay),
            ClientMessage::Unknown => panic!("an update"),
        }
    };
    let millis = |millis| Ok(Some(std::time::Duration::from_millis(millis)));
    assert_eq!(delay("{}"), Ok(None));
    assert_eq!(delay(r#"{"maxDelayMs":null}"#), Ok(None));
    assert_eq!(delay(r#"{"maxDelayMs":0}"#), millis(0));
    assert_eq!(delay(r#"{"MaxDelayMS":7,"maxdelayms":1000}"#), millis(1000));
    for value in ["-1", "1001", "9223372036854775807"] {
        let refused = delay(&format!(r#"{{"maxDelayMs":{value}}}"#));
        assert_eq!(
            refused,
            Err(MessageError::Options(OptionsError::MaxDelay(
                value.to_owned()
            )))
        );
    }
    for value in ["1.5", "\"5\"", "[]", "9223372036854775808"] {
        let refused = delay(&format!(r#"{{"maxDelayMs":{value}}}"#));
        assert_eq!(refused, Err(MessageError::Payload), "{value}");
    }
}

#[test]
fn a_size_that_is_no_size_is_no_limit() {
    for size in [
        "0",
        "-1",
        "4294967296",
        "9223372036854775807",
        "-9223372036854775808",
    ] {
        let payload = format!(r#"{{"maxMessageSizeBytes":{size}}}"#);
        assert_eq!(update(&payload), Ok(Filter::default()), "{size}");
    }
    assert_eq!(
        update(r#"{"maxMessageSizeBytes":4294967295}"#)
            .map(|f| f.max_message_bytes().map(u32::from)),
        Ok(Some(u32::MAX))
    );
}

#[test]
fn unknown_types_are_ignored() {
    for text in [
        "null",
        "{}",
        r#"{"type":null}"#,
        r#"{"type":"","payload":{}}"#,
        r#"{"type":"unknown_type","payload":{"wantedDids":5}}"#,
        r#"{"type":"Options_Update","payload":{}}"#,
    ] {
        assert_eq!(parse(text), Ok(ClientMessage::Unknown), "{text}");
    }
}

#[test]
fn what_is_no_message() {
    for text in [
        "",
        "not json",
        "5",
        "[]",
        r#""options_update""#,
        "{",
        "{}x",
        "{} {}",
        r#"{"type":5}"#,
        r#"{"type":{}}"#,
        r#"{"type":"options_update","payload":{]}"#,
        r#"{'type':"x"}"#,
        "\u{feff}{}",
    ] {
        assert_eq!(parse(text), Err(MessageError::Envelope), "{text}");
    }
    assert_eq!(
        ClientMessage::parse(b"{\"type\":\"\xff\"}"),
        Err(MessageError::Envelope)
    );
    assert_eq!(
        MessageError::Envelope.to_string(),
        "bad SubscriberSourcedMessage envelope"
    );
}

#[test]
fn what_is_no_payload() {
    for payload in [
        r#""not-json""#,
        "5",
        "[]",
        "true",
        r#"{"wantedDids":"did:plc:a"}"#,
        r#"{"wantedDids":[5]}"#,
        r#"{"wantedDids":{}}"#,
        r#"{"wantedDids":[["did:plc:a"]]}"#,
        r#"{"wantedCollections":5}"#,
        r#"{"unwantedCollections":"app.*"}"#,
        r#"{"unwantedDids":{}}"#,
        r#"{"wantedKinds":"commit"}"#,
        r#"{"wantedOperations":[1]}"#,
        r#"{"wantedCollections":[true]}"#,
        r#"{"maxMessageSizeBytes":"5"}"#,
        r#"{"maxMessageSizeBytes":1.5}"#,
        r#"{"maxMessageSizeBytes":1e3}"#,
        r#"{"maxMessageSizeBytes":9223372036854775808}"#,
        r#"{"maxMessageSizeBytes":[]}"#,
    ] {
        assert_eq!(update(payload), Err(MessageError::Payload), "{payload}");
    }
    assert_eq!(
        parse(r#"{"type":"options_update"}"#),
        Err(MessageError::Payload)
    );
    assert_eq!(
        MessageError::Payload.to_string(),
        "bad options_update payload"
    );
}

#[test]
fn refused_values_are_named_as_in_a_query() {
    for (payload, query) in [
        (
            r#"{"wantedCollections":["app.bsky.fo*"]}"#,
            "wantedCollections=app.bsky.fo*",
        ),
        (r#"{"wantedCollections":[null]}"#, "wantedCollections="),
        (r#"{"wantedDids":["not-a-did"]}"#, "wantedDids=not-a-did"),
        (r#"{"unwantedCollections":["*"]}"#, "unwantedCollections=*"),
        (r#"{"unwantedDids":["x"]}"#, "unwantedDids=x"),
        (r#"{"wantedKinds":["sync"]}"#, "wantedKinds=sync"),
        (r#"{"wantedOperations":[null]}"#, "wantedOperations="),
    ] {
        let expected = SubscriberOptions::parse(query).unwrap_err();
        assert_eq!(
            update(payload),
            Err(MessageError::Options(expected)),
            "{payload}"
        );
    }
    assert!(
        update(r#"{"wantedDids":["not-a-did"]}"#)
            .unwrap_err()
            .to_string()
            .starts_with("invalid subscriber options: invalid DID: not-a-did (allowed: ")
    );
}

fn list(values: impl Iterator<Item = String>) -> String {
    let quoted: Vec<_> = values.map(|value| format!("{value:?}")).collect();
    format!("[{}]", quoted.join(","))
}

#[test]
fn the_limits_hold() {
    let named = |filter: &Filter| filter.plc_dids().len() + filter.other_dids().len();
    // One half of them in the usual form, the other not.
    let did = |n: usize| match n % 2 {
        0 => format!("did:plc:{n:a>24o}")
            .replace('0', "x")
            .replace('1', "y"),
        _ => format!("did:plc:{n}"),
    };
    let dids = |count| format!(r#"{{"wantedDids":{}}}"#, list((0..count).map(did)));
    assert_eq!(named(&update(&dids(10_000)).unwrap()), 10_000);
    assert_eq!(
        update(&dids(10_001)),
        Err(OptionsError::TooMany {
            list: List::WantedDids,
            count: 10_001
        }
        .into())
    );
    let same = |count| {
        format!(
            r#"{{"wantedCollections":{}}}"#,
            list((0..count).map(|_| "a.b.c".to_owned()))
        )
    };
    assert_eq!(update(&same(10_000)).unwrap().collections().len(), 1);
    assert_eq!(
        update(&same(10_001)),
        Err(OptionsError::TooManyValues(List::WantedCollections).into())
    );
    assert_eq!(
        update(&same(20_000)),
        Err(OptionsError::TooManyValues(List::WantedCollections).into())
    );
    let copies = |count| {
        format!(
            r#"{{"wantedDids":{}}}"#,
            list((0..count).map(|_| "did:a:b".to_owned()))
        )
    };
    assert_eq!(named(&update(&copies(1_000_000)).unwrap()), 1);
    assert_eq!(
        update(&copies(1_000_001)),
        Err(OptionsError::TooManyValues(List::WantedDids).into())
    );
}

/// Deep nesting is skipped without overflowing the stack.
#[test]
fn depth_costs_nothing() {
    let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    assert_eq!(
        parse(&format!(r#"{{"x":{deep}}}"#)),
        Ok(ClientMessage::Unknown)
    );
    assert_eq!(update(&format!(r#"{{"x":{deep}}}"#)), Ok(Filter::default()));
    assert_eq!(update(&deep), Err(MessageError::Payload));
    assert_eq!(
        update(&format!(r#"{{"wantedDids":{deep}}}"#)),
        Err(MessageError::Payload)
    );
}

/// A payload alone: as a whole message it would be an empty filter.
#[test]
fn a_body_is_a_payload_without_a_message_around_it() {
    let payload = r#"{"wantedDids":["did:plc:a"],"maxMessageSizeBytes":7}"#;
    assert_eq!(
        Ok(OptionsUpdate::from_body(payload.as_bytes()).unwrap().filter),
        update(payload)
    );
    for everything in ["{}", "null", r#"{"wantedDids":[]}"#, r#"{"other":1}"#] {
        assert_eq!(
            OptionsUpdate::from_body(everything.as_bytes()),
            Ok(OptionsUpdate::default())
        );
    }
    let whole = format!(r#"{{"type":"options_update","payload":{payload}}}"#);
    for refused in [
        whole.as_bytes(),
        b"",
        b"[]",
        b"{",
        b"\xff",
        br#"{"TYPE":"options_update"}"#,
    ] {
        assert_eq!(
            OptionsUpdate::from_body(refused),
            Err(MessageError::Payload)
        );
    }
}

proptest! {
    /// An update with any values has the same effect as a query with them.
    #[test]
    fn update_and_query_agree(
        collections in prop::collection::vec(prop_oneof!["[a-c]\\.[a-c]\\.[a-c]", "[a-c]\\.\\*", "\\PC{0,6}"], 0..4),
        dids in prop::collection::vec(prop_oneof!["did:[a-z]:[a-z]", "\\PC{0,6}"], 0..4),
        unwanted in prop::collection::vec(prop_oneof!["[a-c]\\.[a-c]\\.[a-c]", "[a-c]\\.\\*"], 0..4),
        unwanted_dids in prop::collection::vec("did:[a-z]:[a-z]", 0..4),
        kinds in prop::collection::vec(prop_oneof![9 => "commit|identity|account", 1 => "\\PC{0,6}"], 0..4),
        operations in prop::collection::vec(prop_oneof![9 => "create|update|delete", 1 => "\\PC{0,6}"], 0..4),
        size in any::<u32>(),
    ) {
        let json = |values: &[String]| serde_json::to_string(values).unwrap();
        let encoded = |value: &str| value.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let lists = [
            (List::WantedDids, dids), (List::WantedOperations, operations), (List::UnwantedCollections, unwanted),
            (List::WantedCollections, collections), (List::UnwantedDids, unwanted_dids), (List::WantedKinds, kinds),
        ];
        let mut payload = format!(r#"{{"maxMessageSizeBytes":{size}"#);
        let mut query = format!("maxMessageSizeBytes={size}");
        for (list, values) in lists {
            payload += &format!(",{:?}:{}", list.name(), json(&values));
            for value in values {
                query += &format!("&{}={}", list.name(), encoded(&value));
            }
        }
        payload += "}";
        let expected = SubscriberOptions::parse(&query).map(|options| options.filter);
        prop_assert_eq!(update(&payload), expected.map_err(MessageError::Options));
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _outcome = ClientMessage::parse(&bytes);
    }
}
