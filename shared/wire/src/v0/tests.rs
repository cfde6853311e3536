use fanjet_event::{Action, Cid, Datetime, Did, Nsid, RecordKey, Tid};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::*;
use crate::websocket::text_frame;

#[derive(Deserialize)]
struct V1<'a> {
    did: &'a str,
    time_us: u64,
    kind: &'a str,
    #[serde(borrow)]
    commit: Option<V1Commit<'a>>,
    #[serde(borrow)]
    account: Option<&'a RawValue>,
    #[serde(borrow)]
    identity: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct V1Commit<'a> {
    rev: &'a str,
    operation: &'a str,
    collection: &'a str,
    rkey: &'a str,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
    cid: Option<&'a str>,
}

/// The original server's own structure: its order is the order of the keys.
#[derive(Serialize)]
struct V0<'a> {
    did: &'a str,
    time_us: u64,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<V0Commit<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct V0Commit<'a> {
    rev: &'a str,
    #[serde(rename = "type")]
    operation: &'static str,
    collection: &'a str,
    rkey: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cid: Option<&'a str>,
}

/// The same by parsing and serializing.
fn rewritten(v1: &[u8]) -> String {
    let event: V1<'_> = serde_json::from_slice(v1).unwrap();
    let v0 = V0 {
        did: event.did,
        time_us: event.time_us,
        kind: match event.kind {
            "commit" => "com",
            "account" => "acc",
            "identity" => "id",
            other => panic!("v0 has no {other}"),
        },
        commit: event.commit.map(|commit| V0Commit {
            rev: commit.rev,
            operation: match commit.operation {
                "create" => "c",
                "update" => "u",
                "delete" => "d",
                other => panic!("v0 has no {other}"),
            },
            collection: commit.collection,
            rkey: commit.rkey,
            record: commit.record,
            cid: commit.cid,
        }),
        account: event.account,
        identity: event.identity,
    };
    serde_json::to_string(&v0).unwrap()
}

fn transcoded(v1: &[u8]) -> String {
    let message = text_message(v1).unwrap();
    let start = match message[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    let json = &message[start..];
    assert_eq!(message[..], text_frame(json)[..], "a finished frame");
    String::from_utf8(json.to_vec()).unwrap()
}

#[test]
fn each_kind_has_its_old_name() {
    for (v1, v0) in [
        (
            r#"{"did":"did:plc:g4ut2w5755qxi3fe7mfs72p4","time_us":1779719010267528,"kind":"identity","identity":{"did":"did:plc:g4ut2w5755qxi3fe7mfs72p4","seq":30340180350,"time":"2026-05-25T14:23:29.950Z"}}"#,
            r#"{"did":"did:plc:g4ut2w5755qxi3fe7mfs72p4","time_us":1779719010267528,"type":"id","identity":{"did":"did:plc:g4ut2w5755qxi3fe7mfs72p4","seq":30340180350,"time":"2026-05-25T14:23:29.950Z"}}"#,
        ),
        (
            r#"{"did":"did:plc:g4ut2w5755qxi3fe7mfs72p4","time_us":1779719010272410,"kind":"account","account":{"active":true,"did":"did:plc:g4ut2w5755qxi3fe7mfs72p4","seq":30340180351,"time":"2026-05-25T14:23:29.950Z"}}"#,
            r#"{"did":"did:plc:g4ut2w5755qxi3fe7mfs72p4","time_us":1779719010272410,"type":"acc","account":{"active":true,"did":"did:plc:g4ut2w5755qxi3fe7mfs72p4","seq":30340180351,"time":"2026-05-25T14:23:29.950Z"}}"#,
        ),
        (
            r#"{"did":"did:plc:ux2eeflheratfrvp3xfbp4zi","time_us":1783175888112407,"kind":"commit","commit":{"rev":"3mptbyp63ih2m","operation":"delete","collection":"app.bsky.graph.follow","rkey":"3m3q3ut7jsm2m"}}"#,
            r#"{"did":"did:plc:ux2eeflheratfrvp3xfbp4zi","time_us":1783175888112407,"type":"com","commit":{"rev":"3mptbyp63ih2m","type":"d","collection":"app.bsky.graph.follow","rkey":"3m3q3ut7jsm2m"}}"#,
        ),
    ] {
        assert_eq!(transcoded(v1.as_bytes()), v0);
        assert_eq!(rewritten(v1.as_bytes()), v0, "the oracle agrees");
    }
}

#[test]
fn what_is_no_event_of_v0_is_refused() {
    let mut sync = Vec::new();
    let did = Did::parse("did:plc:a").unwrap();
    let rev = Tid::parse("3mptbyp63ih2m").unwrap();
    let time = Datetime::parse("2026-05-25T14:23:29.950Z").unwrap();
    v1::write_sync(&mut sync, did, rev, b"blocks", 7, time);
    assert_eq!(text_message(&sync), None);
    for foreign in [
        &b""[..],
        b"{}",
        br#"{"did":"did:plc:a","time_us":1779719010267528"#,
        br#"{"did":"did:plc:a","time_us":1779719010267528,"kind":"commit","commit":{"rev":"3mptbyp63ih2m"#,
        br#"{"did":"did:plc:a","time_us":1779719010267528,"kind":"commit","commit":{"rev":"3m","operation":"move","#,
    ] {
        assert_eq!(text_message(foreign), None);
    }
}

/// Every line that production served, if this machine has them.
#[test]
fn recorded_events_are_what_the_oracle_says() {
    #[allow(
        clippy::disallowed_methods,
        reason = "the captured data lies outside the repository"
    )]
    let Ok(folder) = std::env::var("FANJET_CORPUS") else {
        println!("FANJET_CORPUS is not set: no captured events");
        return;
    };
    let path = std::path::Path::new(&folder).join("expected_v1.jsonl");
    let lines = std::fs::read_to_string(path).unwrap();
    assert!(lines.lines().count() > 0);
    for line in lines.lines() {
        assert_eq!(transcoded(line.as_bytes()), rewritten(line.as_bytes()));
    }
}

fn event() -> impl Strategy<Value = Vec<u8>> {
    let did = "did:(plc|web):[a-zA-Z0-9.:-]{0,40}[a-z0-9]";
    let text = prop_oneof![
        "\\PC{0,40}",
        Just(r#"","operation":"create","kind":"commit"#.to_owned()),
    ];
    let record = prop_oneof![Just(0_usize), Just(200), 65_000..66_000_usize];
    (0..5_u8, did, text, record, any::<u32>()).prop_map(|(shape, did, text, filler, seq)| {
        let did = Did::parse(did.as_str()).unwrap();
        let time = Datetime::parse("2026-05-25T14:23:29.950Z").unwrap();
        let rev = Tid::parse("3mptbyp63ih2m").unwrap();
        let seq = u64::from(seq);
        let mut out = Vec::new();
        match shape {
            0 => v1::write_identity(&mut out, did, Some(&text), seq, time),
            1 => v1::write_account(&mut out, did, seq % 2 == 0, Some(&text), seq, time),
            _ => {
                let action = [Action::Create, Action::Update, Action::Delete][shape as usize - 2];
                let head = v1::CommitHead {
                    did,
                    rev,
                    action,
                    collection: Nsid::parse("app.bsky.feed.post").unwrap(),
                    rkey: RecordKey::parse("3m3q3ut7jsm2m").unwrap(),
                };
                v1::begin_commit(&mut out, &head);
                if action == Action::Delete {
                    v1::end_delete(&mut out);
                } else {
                    let text = format!("{text}{}", "x".repeat(filler));
                    out.extend_from_slice(
                        serde_json::json!({"kind": "commit", "text": text})
                            .to_string()
                            .as_bytes(),
                    );
                    let cid = "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
                    v1::end_commit(&mut out, Cid::parse(cid).unwrap());
                }
            }
        }
        let time_us = TimeUs::new(1_700_000_000_000_000 + seq).unwrap();
        assert!(v1::stamp(&mut out, time_us));
        out
    })
}

proptest! {
    #[test]
    fn an_event_is_what_the_oracle_says(event in event()) {
        prop_assert_eq!(transcoded(&event), rewritten(&event));
    }
}
