use super::*;

fn event(text: &str) -> (u64, String) {
    match read_v2(text.as_bytes()).unwrap() {
        V2Message::Event { seq, v1 } => (seq, v1),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_is_read_back_byte_for_byte() {
    let create = r#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#commit","cid":"bafy","collection":"a.b.c","did":"did:plc:a","operation":"create","record":{"a":"\u003c","n":1.50},"rev":"3m","rkey":"k","seq":42,"time":"2023-11-14T22:13:20.000001Z"}}"#;
    let v1 = r#"{"did":"did:plc:a","time_us":1700000000000001,"kind":"commit","commit":{"rev":"3m","operation":"create","collection":"a.b.c","rkey":"k","record":{"a":"\u003c","n":1.50},"cid":"bafy"}}"#;
    assert_eq!(event(create), (42, v1.to_owned()));
    let identity = r#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#identity","did":"did:plc:a","identity":{"did":"did:plc:a","seq":7,"time":"x"},"seq":43,"time":"2023-11-14T22:13:20.000002Z"}}"#;
    let v1 = r#"{"did":"did:plc:a","time_us":1700000000000002,"kind":"identity","identity":{"did":"did:plc:a","seq":7,"time":"x"}}"#;
    assert_eq!(event(identity), (43, v1.to_owned()));
    let sync = r#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#sync","did":"did:plc:a","seq":44,"sync":{"did":"did:plc:a","seq":9},"time":"2023-11-14T22:13:20.000003Z"}}"#;
    let json = r#"{"did":"did:plc:a","time_us":1700000000000003,"kind":"sync","sync":{"did":"did:plc:a","seq":9}}"#;
    assert_eq!(
        read_v2(sync.as_bytes()).unwrap(),
        V2Message::Sync {
            seq: 44,
            relay_seq: 9,
            json: json.to_owned()
        }
    );
    let of_two = sync.replacen("did:plc:a", "did:plc:b", 1);
    assert!(read_v2(of_two.as_bytes()).is_err());
}

#[test]
fn notices_are_no_events() {
    let info = r#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#info","message":"m","name":"OutdatedCursor"}}"#;
    let read = read_v2(info.as_bytes()).unwrap();
    assert_eq!(read, V2Message::Info("OutdatedCursor".to_owned()));
    let error = r#"{"$type":"error","error":"ConsumerTooSlow"}"#;
    let read = read_v2(error.as_bytes()).unwrap();
    assert_eq!(
        read,
        V2Message::Error("ConsumerTooSlow".to_owned(), String::new())
    );
}

#[test]
fn what_no_server_may_send_is_refused() {
    let delete = r#"{"$type":"message","payload":{"$type":"network.bsky.jetstream.subscribeEvents#commit","collection":"a.b.c","did":"did:plc:a","operation":"delete","rev":"3m","rkey":"k","seq":42,"time":"2023-11-14T22:13:20.000001Z"}}"#;
    event(delete);
    for (part, wrong) in [
        ("#commit", "#other"),
        ("#commit", "#identity"),
        (r#""seq":42,"#, ""),
        ("000001Z", "001Z"),
        ("000001Z", "000001+00:00"),
        (r#""rkey":"k","#, ""),
        (r#""rev":"3m","#, r#""rev":"3m","record":{},"#),
        (r#""rev":"3m","#, r#""rev":"3m","time_us":1,"#),
        (r#""$type":"message""#, r#""$type":"event""#),
    ] {
        let wrong = delete.replacen(part, wrong, 1);
        assert!(read_v2(wrong.as_bytes()).is_err(), "{wrong}");
    }
}
