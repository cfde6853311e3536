use super::*;

#[test]
fn no_text_controls_the_terminal() {
    let handle = r#"{"did":"did:plc:abc","time_us":1783175888085434,"kind":"identity","identity":{"handle":"a\u001b[2J\u009bb\r\n"}}"#;
    let shown = line(handle.as_bytes(), true).unwrap();
    assert!(!shown.contains(char::is_control), "{shown:?}");
}

#[test]
fn a_claimed_handle_is_shown_only_on_request() {
    let event = r#"{"did":"did:plc:abc","time_us":1,"kind":"identity","identity":{"handle":"alice.example"}}"#;
    let shown = |handles| line(event.as_bytes(), handles).unwrap();
    assert!(shown(true).ends_with("  identity alice.example"));
    assert!(shown(false).ends_with("  identity"));
}

#[test]
fn a_line_is_short_and_shows_what_happened() {
    let post = r#"{"did":"did:plc:abc","time_us":1783175888085434,"kind":"commit","commit":{"rev":"x","operation":"create","collection":"app.bsky.feed.post","rkey":"y","record":{"text":"hello\nthere"},"cid":"z"}}"#;
    let shown = line(post.as_bytes(), false).unwrap();
    assert!(shown.starts_with("14:38:08.085  did:plc:abc "), "{shown}");
    assert!(
        shown.ends_with("create   app.bsky.feed.post            hello there"),
        "{shown}"
    );
    let delete = r#"{"did":"did:plc:abc","time_us":1783175888085434,"kind":"commit","commit":{"rev":"x","operation":"delete","collection":"app.bsky.feed.like","rkey":"y"}}"#;
    assert!(
        line(delete.as_bytes(), false)
            .unwrap()
            .ends_with("delete   app.bsky.feed.like")
    );
}

fn post(record: &str) -> String {
    format!(
        r#"{{"did":"did:plc:abc","time_us":1783175888085434,"kind":"commit","commit":{{"rev":"x","operation":"create","collection":"app.bsky.feed.post","rkey":"y","record":{record},"cid":"z"}}}}"#
    )
}

/// At any depth of nesting.
#[test]
fn a_record_is_shown_however_deep_it_is() {
    for levels in [10, 126, 1_000, 100_000] {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        let record = format!(r#"{{"deep":{open}{close},"text":"hello"}}"#);
        let shown = line(post(&record).as_bytes(), false).unwrap();
        assert!(shown.ends_with(" hello"), "{levels}: {shown}");
        // In place of a text or of the whole record, too.
        for record in [
            format!(r#"{{"text":{open}{close}}}"#),
            format!("{open}{close}"),
        ] {
            let shown = line(post(&record).as_bytes(), false).unwrap();
            assert!(shown.ends_with("app.bsky.feed.post"), "{levels}: {shown}");
        }
    }
}

#[test]
fn the_summary_of_a_record_is_its_text_name_or_subject() {
    let about = |record: &str| {
        let shown = line(post(record).as_bytes(), false).unwrap();
        shown.rsplit("  ").next().unwrap().to_owned()
    };
    assert_eq!(about(r#"{"text":"a","displayName":"b"}"#), "a");
    assert_eq!(about(r#"{"text":1,"displayName":"b \u00e4"}"#), "b \u{e4}");
    assert_eq!(about(r#"{"subject":{"uri":"at://x","cid":"y"}}"#), "at://x");
    assert_eq!(about(r#"{"subject":"did:plc:b"}"#), "did:plc:b");
}

#[test]
fn long_names_are_cut() {
    let long = "x".repeat(1 << 20);
    for event in [
        format!(r#"{{"did":"d","time_us":1,"kind":"identity","identity":{{"handle":"{long}"}}}}"#),
        format!(r#"{{"did":"d","time_us":1,"kind":"account","account":{{"active":"{long}"}}}}"#),
        format!(r#"{{"did":"{long}","time_us":1,"kind":"{long}"}}"#),
        format!(
            r#"{{"did":"d","time_us":1,"kind":"commit","commit":{{"operation":"{long}","collection":"{long}","record":{{"text":"{long}"}}}}}}"#
        ),
    ] {
        let shown = line(event.as_bytes(), false).unwrap();
        assert!(shown.len() < 500, "{} bytes", shown.len());
    }
}

#[test]
fn a_message_of_v2_is_the_same_line() {
    let message = |kind: &str, rest: &str| {
        format!(
            r##"{{"$type":"message","payload":{{"$type":"network.bsky.jetstream.subscribeEvents#{kind}","did":"did:plc:abc",{rest},"seq":7,"time":"2026-07-04T14:38:08.085434Z"}}}}"##
        )
    };
    let v1 = line(post(r#"{"text":"hello"}"#).as_bytes(), false).unwrap();
    let fields =
        r#""collection":"app.bsky.feed.post","operation":"create","record":{"text":"hello"}"#;
    let v2 = line(message("commit", fields).as_bytes(), false).unwrap();
    assert_eq!(v2, v1);
    let sync = line(message("sync", r#""sync":{}"#).as_bytes(), false).unwrap();
    assert!(sync.ends_with("  sync"), "{sync}");
    let identity = message("identity", r#""identity":{"handle":"alice.example"}"#);
    let shown = line(identity.as_bytes(), true).unwrap();
    assert!(shown.ends_with("  identity alice.example"), "{shown}");
    assert_eq!(line(br#"{"payload":{}}"#, false), None);
}
