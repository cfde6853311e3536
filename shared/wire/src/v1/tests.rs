use fanjet_event::TimeUs;

use super::*;

fn did() -> Did<&'static str> {
    Did::parse("did:plc:ux2eeflheratfrvp3xfbp4zi").unwrap()
}

fn time() -> Datetime<&'static str> {
    Datetime::parse("2026-05-25T14:23:29.950Z").unwrap()
}

fn stamped(mut event: Vec<u8>, time_us: u64) -> String {
    assert!(stamp(&mut event, TimeUs::new(time_us).unwrap()));
    String::from_utf8(event).unwrap()
}

/// Fields and key order as production v1 served them.
#[test]
fn lines_look_like_productions() {
    let mut identity = Vec::new();
    write_identity(&mut identity, did(), None, 30_340_180_350, time());
    assert_eq!(
        stamped(identity, 1_779_719_010_267_528),
        r#"{"did":"did:plc:ux2eeflheratfrvp3xfbp4zi","time_us":1779719010267528,"kind":"identity","identity":{"did":"did:plc:ux2eeflheratfrvp3xfbp4zi","seq":30340180350,"time":"2026-05-25T14:23:29.950Z"}}"#
    );

    let mut account = Vec::new();
    write_account(&mut account, did(), true, None, 30_340_180_351, time());
    assert_eq!(
        stamped(account, 1_779_719_010_272_410),
        r#"{"did":"did:plc:ux2eeflheratfrvp3xfbp4zi","time_us":1779719010272410,"kind":"account","account":{"active":true,"did":"did:plc:ux2eeflheratfrvp3xfbp4zi","seq":30340180351,"time":"2026-05-25T14:23:29.950Z"}}"#
    );

    let mut delete = Vec::new();
    begin_commit(
        &mut delete,
        &CommitHead {
            did: did(),
            rev: Tid::parse("3mptbyp63ih2m").unwrap(),
            action: Action::Delete,
            collection: Nsid::parse("app.bsky.graph.follow").unwrap(),
            rkey: RecordKey::parse("3m3q3ut7jsm2m").unwrap(),
        },
    );
    end_delete(&mut delete);
    assert_eq!(
        stamped(delete, 1_783_175_888_112_407),
        r#"{"did":"did:plc:ux2eeflheratfrvp3xfbp4zi","time_us":1783175888112407,"kind":"commit","commit":{"rev":"3mptbyp63ih2m","operation":"delete","collection":"app.bsky.graph.follow","rkey":"3m3q3ut7jsm2m"}}"#
    );
}

#[test]
fn foreign_text_is_escaped_and_status_stands_before_time() {
    let mut account = Vec::new();
    write_account(&mut account, did(), false, Some("take\"down"), 7, time());
    let account = stamped(account, 1_783_175_888_112_407);
    assert!(
        account.ends_with(r#""seq":7,"status":"take\"down","time":"2026-05-25T14:23:29.950Z"}}"#)
    );

    let mut identity = Vec::new();
    write_identity(&mut identity, did(), Some("a<b"), 7, time());
    let identity = stamped(identity, 1_783_175_888_112_407);
    assert!(identity.contains(r#""handle":"a\u003cb","seq":7"#));
    serde_json::from_str::<serde_json::Value>(&identity).unwrap();
}

#[test]
fn only_an_event_can_be_stamped() {
    let time = TimeUs::MAX;
    for bytes in [
        &b""[..],
        b"{}",
        br#"{"did":"did:plc:abc"#,
        br#"{"did":"x","time_us":123"#,
        br#"{"did":"x","kind":"y"}"#,
    ] {
        let mut event = bytes.to_vec();
        assert!(!stamp(&mut event, time), "{bytes:?}");
        assert_eq!(event, bytes);
    }
}
