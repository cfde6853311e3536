use super::*;
use crate::List;

fn refusal(query: &str) -> String {
    SubscriberOptions::parse(query).unwrap_err().to_string()
}

fn many(name: &str, value: impl Fn(usize) -> String, count: usize) -> String {
    (0..count)
        .map(|n| format!("{name}={}", value(n)))
        .collect::<Vec<_>>()
        .join("&")
}

#[test]
fn accepted_queries() {
    for query in [
        "",
        "cursor=5&compress=true&requireHello=false&unknown=1",
        "wantedcollections=not+valid",
        "wantedCollections=app.bsky.feed.post&wantedCollections=app.bsky.graph.*",
        "wantedCollections=app.*&wantedCollections=.*&wantedCollections=not+valid.*",
        "wantedCollections=%zz&wantedDids=bad;x",
        "wantedDids=did:web:localhost%253A1234&wantedDids=did:m:v",
    ] {
        assert!(SubscriberOptions::parse(query).is_ok(), "{query}");
    }
}

#[test]
fn refused_values_are_named_in_the_words_of_v1() {
    for value in [
        "app.bsky.fo*",
        "*",
        "",
        "app.bsky",
        "not a valid nsid",
        "a,b",
        "a.b.c,d.e.f",
    ] {
        let words = refusal(&format!("wantedCollections={}", value.replace(' ', "+")));
        assert!(
            words.starts_with(&format!("invalid collection: {value} (allowed: ")),
            "{words}"
        );
    }
    for value in [
        "not-a-did",
        "",
        "did:method:val:",
        "did:METHOD:val",
        "did:method:",
    ] {
        let words = refusal(&format!("wantedDids={value}"));
        assert!(
            words.starts_with(&format!("invalid DID: {value} (allowed: ")),
            "{words}"
        );
    }
}

#[test]
fn refused_values_of_the_extensions_are_named_with_what_is_allowed() {
    for (query, words) in [
        (
            "unwantedCollections=app.bsky.fo*",
            "invalid unwanted collection: app.bsky.fo* (allowed: an NSID",
        ),
        (
            "unwantedDids=x",
            "invalid unwanted DID: x (allowed: a DID such as",
        ),
        (
            "wantedKinds=commit&wantedKinds=Commit",
            "invalid kind: Commit (allowed: commit, identity, account)",
        ),
        (
            "wantedOperations=commit",
            "invalid operation: commit (allowed: create, update, delete)",
        ),
        (
            "wantedKinds=commit,identity",
            "invalid kind: commit,identity (allowed: ",
        ),
        ("wantedKinds=", "invalid kind:  (allowed: "),
        // v1's own are validated first.
        ("wantedKinds=x&wantedDids=y", "invalid DID: y (allowed: "),
    ] {
        let words_found = refusal(query);
        assert!(words_found.starts_with(words), "{words_found}");
    }
}

#[test]
fn limits_of_the_extensions_count_different_values() {
    let prefix = |n| format!("p{n}.x.y.*");
    let did = |n| format!("did:plc:a{n}");
    for (list, value) in [
        (
            List::UnwantedCollections,
            &prefix as &dyn Fn(usize) -> String,
        ),
        (List::UnwantedDids, &did),
    ] {
        let max = list.max();
        assert!(SubscriberOptions::parse(&many(list.name(), value, max)).is_ok());
        assert_eq!(
            refusal(&many(list.name(), value, max + 1)),
            format!("too many {list}: {} > {max}", max + 1)
        );
    }
    for list in [List::WantedKinds, List::WantedOperations] {
        let word = match list {
            List::WantedKinds => "account",
            _ => "delete",
        };
        let word = |_| word.to_owned();
        assert!(SubscriberOptions::parse(&many(list.name(), word, list.max_values())).is_ok());
        assert_eq!(
            refusal(&many(list.name(), word, list.max_values() + 1)),
            format!("too many {list}: more than 10000 values, repeated ones included")
        );
    }
    // Each list has limits of its own.
    let both =
        many("wantedCollections", prefix, 100) + "&" + &many("unwantedCollections", prefix, 100);
    assert!(SubscriberOptions::parse(&both).is_ok());
}

#[test]
fn a_heartbeat_is_a_number_of_seconds() {
    let heartbeat = |value: &str| SubscriberOptions::parse(&format!("heartbeat={value}"));
    assert_eq!(SubscriberOptions::parse("").unwrap().heartbeat, None);
    for seconds in [1, 5, 300] {
        assert_eq!(
            heartbeat(&seconds.to_string()).unwrap().heartbeat,
            Some(Duration::from_secs(seconds))
        );
    }
    for value in [
        "",
        "0",
        "301",
        "-1",
        "%2B5",
        "1.5",
        "5s",
        "99999999999999999999",
    ] {
        let words = heartbeat(value).unwrap_err().answer();
        assert!(
            words.starts_with("invalid subscriber options: invalid heartbeat: ")
                && words.ends_with(" (allowed: whole seconds from 1 to 300)"),
            "{words}"
        );
    }
}

#[test]
fn a_delay_is_a_number_of_milliseconds() {
    let delay = |value: &str| SubscriberOptions::parse(&format!("maxDelayMs={value}"));
    let none = SubscriberOptions::parse("").unwrap().max_delay;
    assert_eq!(none, Duration::ZERO);
    for millis in [0, 1, 250, 1000] {
        assert_eq!(
            delay(&millis.to_string()).unwrap().max_delay,
            Duration::from_millis(millis)
        );
    }
    for value in [
        "",
        "1001",
        "-1",
        "%2B5",
        "1.5",
        "5ms",
        "18446744073709551616",
    ] {
        let words = delay(value).unwrap_err().answer();
        assert!(
            words.starts_with("invalid subscriber options: invalid maxDelayMs: ")
                && words.ends_with(" (allowed: whole milliseconds from 0 to 1000)"),
            "{words}"
        );
    }
}

#[test]
fn what_the_body_says_does_not_stand_in_the_url() {
    let parse = |query: &str| SubscriberOptions::parse_posted(query, Encoding::Ndjson);
    let options = parse("cursor=5&format=sse&heartbeat=9&unknown=1").unwrap();
    assert!(options.heartbeat.is_some() && options.cursor.is_some());
    assert_eq!(
        (options.encoding, options.filter),
        (Encoding::Sse, Filter::default())
    );
    for (query, name) in [
        ("wantedDids=did:plc:a", "wantedDids"),
        ("cursor=5&wantedKinds=commit", "wantedKinds"),
        ("maxMessageSizeBytes=0", "maxMessageSizeBytes"),
    ] {
        assert_eq!(
            parse(query).unwrap_err().answer(),
            format!(
                "invalid subscriber options: {name} belongs in the body of a POST (allowed in its URL: cursor, lastEventId, format, \
                 heartbeat, maxDelayMs)"
            )
        );
    }
}

/// An unknown parameter is ignored, a known one is not.
#[test]
fn every_parameter_means_something() {
    for parameter in Parameter::all() {
        let value = match parameter {
            Parameter::List(List::WantedCollections | List::UnwantedCollections) => "app.*",
            Parameter::List(List::WantedDids | List::UnwantedDids) => "did:plc:a",
            Parameter::List(List::WantedKinds) => "commit",
            Parameter::List(List::WantedOperations) => "create",
            Parameter::RequireHello | Parameter::Compress => "true",
            Parameter::Format => "v0",
            Parameter::MaxMessageSizeBytes
            | Parameter::Cursor
            | Parameter::Heartbeat
            | Parameter::MaxDelayMs => "7",
        };
        let name = parameter.name();
        let parse = |name: &str| SubscriberOptions::parse(&format!("{name}={value}")).unwrap();
        assert_ne!(parse(name), SubscriberOptions::default(), "{name}");
        assert_eq!(parse(&name.to_uppercase()), SubscriberOptions::default());
    }
}

#[test]
fn a_long_refused_value_is_not_echoed_whole() {
    assert!(refusal(&format!("wantedDids={}", "é".repeat(10_000))).len() < 400);
}

#[test]
fn limits_count_different_values() {
    let prefix = |n| format!("p{n}.x.y.*");
    assert!(SubscriberOptions::parse(&many("wantedCollections", prefix, 100)).is_ok());
    assert_eq!(
        refusal(&many("wantedCollections", prefix, 101)),
        "too many wanted collections: 101 > 100"
    );
    assert!(
        SubscriberOptions::parse(&many(
            "wantedCollections",
            |_| "app.bsky.feed.post".into(),
            150
        ))
        .is_ok()
    );
    assert!(
        SubscriberOptions::parse(&many("wantedCollections", |_| "app.bsky.*".into(), 150)).is_ok()
    );
    let mixed = many("wantedCollections", |n| format!("p{n}.x.y"), 60)
        + "&"
        + &many("wantedCollections", prefix, 41);
    assert_eq!(refusal(&mixed), "too many wanted collections: 101 > 100");

    let did = |n| format!("did:plc:a{n}");
    assert!(SubscriberOptions::parse(&many("wantedDids", did, 10_000)).is_ok());
    assert_eq!(
        refusal(&many("wantedDids", did, 10_001)),
        "too many wanted DIDs: 10001 > 10000"
    );
    assert!(SubscriberOptions::parse(&many("wantedDids", |_| "did:plc:a".into(), 10_050)).is_ok());
}

#[test]
fn a_size_that_is_no_size_is_no_limit() {
    let limit = |value: &str| {
        let options = SubscriberOptions::parse(&format!("maxMessageSizeBytes={value}")).unwrap();
        options.filter.max_message_bytes().map(u32::from)
    };
    for value in ["", "0", "-1", "abc", "99999999999", "4294967296"] {
        assert_eq!(limit(value), None, "{value}");
    }
    assert_eq!(limit("1000000"), Some(1_000_000));
    assert_eq!(limit("5&maxMessageSizeBytes=6"), Some(5));
    assert_eq!(limit("x&maxMessageSizeBytes=6"), None);
}

#[test]
fn a_cursor_is_a_number_and_is_checked_first() {
    let cursor = |query: &str| SubscriberOptions::parse(query).unwrap().cursor;
    assert_eq!(cursor(""), None);
    assert_eq!(cursor("cursor="), None);
    assert_eq!(cursor("cursor=&cursor=5"), None);
    assert_eq!(cursor("cursor=5&cursor=x"), Some(Cursor::Seq(5)));
    assert_eq!(cursor("cursor=%2B5"), Some(Cursor::Seq(5)));
    assert_eq!(cursor("cursor=-42"), Some(Cursor::Seq(0)));
    assert_eq!(
        cursor("cursor=1000000000000000"),
        Some(Cursor::TimeUs(1_000_000_000_000_000))
    );
    for (query, shown) in [
        ("cursor=abc&wantedDids=bad", "abc"),
        ("wantedDids=bad&cursor=1.5", "1.5"),
        ("cursor=1_000", "1_000"),
        ("cursor=+5", " 5"),
        ("cursor=9223372036854775808", "9223372036854775808"),
    ] {
        let error = SubscriberOptions::parse(query).unwrap_err();
        let words = format!("invalid cursor: {shown} (allowed: ");
        assert!(error.answer().starts_with(&words), "{error}");
    }
}

#[test]
fn only_true_requires_a_hello() {
    let hello = |value: &str| {
        let query = format!("requireHello={value}");
        SubscriberOptions::parse(&query).unwrap().require_hello
    };
    assert!(hello("true"));
    assert!(hello("true&requireHello=false"));
    for value in [
        "True",
        "TRUE",
        "1",
        "yes",
        "true+",
        "+true",
        "",
        "false&requireHello=true",
        "%22true%22",
    ] {
        assert!(!hello(value), "{value}");
    }
}

#[test]
fn the_encoding_is_what_was_asked_for_in_exactly_these_words() {
    let encoding = |query: &str| SubscriberOptions::parse(query).map(|options| options.encoding);
    for query in [
        "",
        "compress=",
        "compress=1",
        "compress=True",
        "compress=false&compress=true",
        "Format=v0",
        "format=",
        "format=v1",
        "format=&format=v0",
        "zstdDictionary=5",
    ] {
        assert_eq!(encoding(query), Ok(Encoding::Json), "{query}");
    }
    for query in [
        "compress=true",
        "compress=true&compress=false",
        "compress=true&format=v1",
        "compress=tru%65",
    ] {
        assert_eq!(encoding(query), Ok(Encoding::Zstd), "{query}");
    }
    assert_eq!(encoding("format=v0&format=v1"), Ok(Encoding::V0));
    assert_eq!(encoding("format=v0&compress=false"), Ok(Encoding::V0));
    let error = encoding("format=json").unwrap_err();
    assert_eq!(
        error.answer(),
        "invalid subscriber options: invalid format: json (allowed: v1, v0, v2c)"
    );
    assert_eq!(
        encoding("compress=true&format=v0"),
        Err(OptionsError::Compressed("v0"))
    );
    assert!(
        matches!(encoding(&format!("format={}", "x".repeat(1000))), Err(OptionsError::Format(shown)) if shown.len() == OptionsError::SHOWN)
    );
}

#[test]
fn the_header_asks_for_compression_too() {
    let encoding = |query: &str, header: &[u8]| {
        let options = SubscriberOptions::parse(query).unwrap();
        options
            .with_socket_encoding(header)
            .map(|options| options.encoding)
    };
    for header in [
        &b"zstd"[..],
        b"br, zstd",
        b"zstd;q=0",
        b"xzstdx",
        b"\xffzstd",
    ] {
        assert_eq!(encoding("", header), Ok(Encoding::Zstd));
        assert_eq!(encoding("compress=false", header), Ok(Encoding::Zstd));
        assert_eq!(
            encoding("format=v0", header),
            Err(OptionsError::Compressed("v0"))
        );
    }
    for header in [&b""[..], b"ZSTD", b"zst", b"gzip", b"\xff"] {
        assert_eq!(encoding("", header), Ok(Encoding::Json));
        assert_eq!(encoding("compress=true", header), Ok(Encoding::Zstd));
        assert_eq!(encoding("format=v0", header), Ok(Encoding::V0));
    }
}

#[test]
fn encodings_have_places_of_their_own() {
    for (place, encoding) in Encoding::ALL.into_iter().enumerate() {
        assert_eq!(encoding.index(), place);
    }
}

#[test]
fn a_stream_over_http_takes_the_same_parameters_without_those_of_sockets() {
    let stream = |query| SubscriberOptions::parse_stream(query, Encoding::Ndjson);
    let socket = SubscriberOptions::parse("wantedDids=did:plc:a&cursor=5&heartbeat=9").unwrap();
    let same =
        stream("wantedDids=did:plc:a&cursor=5&heartbeat=9&compress=false&requireHello=1").unwrap();
    assert_eq!(same.encoding, Encoding::Ndjson);
    assert_eq!(
        SubscriberOptions {
            encoding: Encoding::Json,
            ..same
        },
        socket
    );
    for (query, encoding) in [
        ("format=", Encoding::Ndjson),
        ("format=sse", Encoding::Sse),
        ("format=ndjson", Encoding::Ndjson),
    ] {
        assert_eq!(stream(query).unwrap().encoding, encoding);
    }
    for (query, words) in [
        (
            "compress=true",
            "invalid subscriber options: compress is for WebSockets only",
        ),
        (
            "requireHello=true",
            "invalid subscriber options: requireHello is for WebSockets only",
        ),
        (
            "format=v0",
            "invalid subscriber options: invalid format: v0 (allowed: sse, ndjson)",
        ),
        ("format=v0&cursor=x", "invalid cursor: x"),
    ] {
        let answer = stream(query).unwrap_err().answer();
        assert!(answer.starts_with(words), "{answer}");
    }
    assert!(stream("").unwrap().with_socket_encoding(b"zstd").is_err());
}

#[test]
fn a_reconnecting_reader_starts_behind_its_last_event() {
    let first = || SubscriberOptions::parse_stream("cursor=7", Encoding::Sse).unwrap();
    let cursor = |header: &[u8]| {
        let options = first().behind_event("cursor=7", Some(header));
        options.map(|options| options.cursor)
    };
    assert_eq!(
        cursor(b"1779719010267528"),
        Ok(Some(Cursor::TimeUs(1_779_719_010_267_529)))
    );
    assert_eq!(cursor(b""), Ok(Some(Cursor::Seq(7))));
    for bad in [
        &b"7"[..],
        b"+1779719010267528",
        b"x",
        b"17797190102675289",
        b"\xff",
    ] {
        assert!(
            matches!(cursor(bad), Err(OptionsError::LastEventId(_))),
            "{bad:?}"
        );
    }
}

/// Readers that cannot set a header use the query. The newest event id wins.
#[test]
fn the_last_event_stands_in_the_query_as_well() {
    const NEWER: &str = "1779719010267528";
    const OLDER: &str = "1779719010267527";
    let behind = |query: &str, header: Option<&str>| {
        let options = SubscriberOptions::parse_stream(query, Encoding::Sse).unwrap();
        let options = options.behind_event(query, header.map(str::as_bytes));
        options.map(|options| options.cursor)
    };
    let newer = Ok(Some(Cursor::TimeUs(1_779_719_010_267_529)));
    for name in ["lastEventId", "lastEventID"] {
        assert_eq!(behind(&format!("cursor=7&{name}={NEWER}"), None), newer);
        assert_eq!(behind(&format!("{name}={NEWER}"), Some(OLDER)), newer);
        assert_eq!(behind(&format!("{name}={OLDER}"), Some(NEWER)), newer);
        assert_eq!(
            behind(&format!("{name}={OLDER}&{name}={NEWER}"), Some("")),
            newer
        );
        assert_eq!(
            behind(&format!("cursor=7&{name}="), None),
            Ok(Some(Cursor::Seq(7)))
        );
        for bad in ["7", "x", "%2B1779719010267528"] {
            let refused = behind(&format!("{name}={bad}"), None);
            assert!(
                matches!(refused, Err(OptionsError::LastEventId(_))),
                "{bad}"
            );
        }
    }
    assert_eq!(behind("", None), Ok(None));
}

/// A proxy may leave several headers as they are, or join them.
#[test]
fn of_several_headers_the_newest_counts() {
    let behind = |headers: &[&[u8]]| {
        let options = SubscriberOptions::parse_stream("cursor=7", Encoding::Sse).unwrap();
        let options = options.behind_event("cursor=7", headers.iter().copied());
        options.map(|options| options.cursor)
    };
    let (newer, older) = (&b"1779719010267528"[..], &b"1779719010267527"[..]);
    let expected = Ok(Some(Cursor::TimeUs(1_779_719_010_267_529)));
    for headers in [
        &[newer, older][..],
        &[older, newer],
        &[b"", newer],
        &[b"1779719010267527, 1779719010267528"],
        &[b"1779719010267528,,"],
    ] {
        assert_eq!(behind(headers), expected, "{headers:?}");
    }
    assert_eq!(behind(&[b" , "]), Ok(Some(Cursor::Seq(7))));
    assert!(matches!(
        behind(&[b"1779719010267528, x"]),
        Err(OptionsError::LastEventId(_))
    ));
}
