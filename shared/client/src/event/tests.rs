use super::*;

fn event(json: &str) -> Event {
    Event::of(Bytes::copy_from_slice(json.as_bytes())).unwrap()
}

#[test]
fn a_commit_brings_its_record_as_any_type() {
    #[derive(Deserialize)]
    struct Post {
        text: String,
    }
    let event = event(
        r#"{"did":"did:plc:abc","time_us":1783175888085434,"kind":"commit","commit":{"rev":"x","operation":"create","collection":"app.bsky.feed.post","rkey":"y","record":{"$type":"app.bsky.feed.post","text":"a \u00e4"},"cid":"z"}}"#,
    );
    assert_eq!(event.time_us(), 1_783_175_888_085_434);
    let parsed = event.parse().unwrap();
    assert_eq!(parsed.did, "did:plc:abc");
    let What::Commit(commit) = parsed.what else {
        panic!("{parsed:?}");
    };
    assert_eq!(
        (&*commit.operation, &*commit.collection),
        ("create", "app.bsky.feed.post")
    );
    let post = commit.record_as::<Post>().unwrap().unwrap();
    assert_eq!(post.text, "a \u{e4}");
    assert!(commit.record_as::<u32>().unwrap().is_err());
}

#[test]
fn every_kind_is_recognized() {
    let of = |rest: &str| {
        let event = event(&format!(
            r#"{{"did":"did:plc:abc","time_us":1783175888085434,{rest}}}"#
        ));
        format!("{:?}", event.parse().unwrap().what)
    };
    let delete = of(
        r#""kind":"commit","commit":{"rev":"x","operation":"delete","collection":"a.b.c","rkey":"y"}"#,
    );
    assert!(delete.contains("record: None, cid: None"), "{delete}");
    let identity = of(
        r#""kind":"identity","identity":{"did":"did:plc:abc","handle":"a.b","seq":7,"time":"t"}"#,
    );
    assert!(
        identity.starts_with("Identity") && identity.contains("a.b"),
        "{identity}"
    );
    let account = of(
        r#""kind":"account","account":{"active":false,"did":"d","seq":7,"status":"deleted","time":"t"}"#,
    );
    assert!(
        account.starts_with("Account") && account.contains("deleted"),
        "{account}"
    );
    assert_eq!(of(r#""kind":"heartbeat""#), r#"Other("heartbeat")"#);
}

/// However deep a record is nested, the event has its time and can be parsed.
#[test]
fn depth_harms_nothing() {
    let tower = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for beginning in [
        r#"{"did":"did:plc:abc","time_us":1783175888085434,"#,
        r#"{"time_us":1783175888085434,"did":"did:plc:abc","#,
    ] {
        let event = event(&format!(
            r#"{beginning}"kind":"commit","commit":{{"rev":"x","operation":"create","collection":"a.b.c","rkey":"y","record":{{"d":{tower}}},"cid":"z"}}}}"#
        ));
        let parsed = event.parse().unwrap();
        let What::Commit(commit) = parsed.what else {
            panic!("no commit");
        };
        assert!(commit.record.unwrap().get().len() > 200_000);
        assert!(commit.record_as::<serde_json::Value>().unwrap().is_err());
    }
}

#[test]
fn what_has_no_time_is_no_event() {
    for json in ["", "hello", "{}", r#"{"seq":1}"#, r#"{"time_us":"1"}"#] {
        assert_eq!(
            Event::of(Bytes::copy_from_slice(json.as_bytes())),
            None,
            "{json}"
        );
    }
}

#[test]
fn a_message_of_v2_has_a_seq_and_a_time() {
    let of = |text: &str| Event::of_v2(Bytes::copy_from_slice(text.as_bytes()));
    let event = r#"{"$type":"message","payload":{"$type":"x#commit","record":{"seq":1},"seq":42,"time":"2023-11-14T22:13:20.000001Z"}}"#;
    let event = of(event).unwrap();
    assert_eq!(event.position(), 42);
    assert_eq!(event.time_us(), 1_700_000_000_000_001);
    let info = r#"{"$type":"message","payload":{"$type":"x#info","message":"starting at seq 200","name":"OutdatedCursor"}}"#;
    let notice = |text: &str| NoEvent::Notice(text.to_owned());
    assert_eq!(of(info).unwrap_err(), notice("starting at seq 200"));
    let error =
        r#"{"$type":"error","error":"ConsumerTooSlow","message":"reconnect with cursor=7"}"#;
    assert_eq!(of(error).unwrap_err(), notice("reconnect with cursor=7"));
    for foreign in [
        "{}",
        r#"{"message":"hello"}"#,
        "x",
        r#"{"payload":{"seq":1}}"#,
        r#"{"payload":{"seq":1,"time":"now"}}"#,
    ] {
        assert!(matches!(of(foreign), Err(NoEvent::Foreign(_))), "{foreign}");
    }
}
