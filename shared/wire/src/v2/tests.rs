use std::collections::BTreeMap;

use fanjet_event::{Action, Cid, Datetime, Did, Nsid, RecordKey, Tid, TimeUs, Topic};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::*;
use crate::close::CloseReason;
use crate::{v1, websocket};

/// A v1 event as v2 has it, by parsing and rebuilding: the model.
fn mapped(v1: &[u8], seq: u64) -> Value {
    let event: Value = serde_json::from_slice(v1).unwrap();
    let kind = event["kind"].as_str().unwrap();
    let mut payload = Map::new();
    payload.insert("$type".into(), json!(format!("{SUBSCRIBE_EVENTS}#{kind}")));
    payload.insert("seq".into(), json!(seq));
    payload.insert("did".into(), event["did"].clone());
    let time = TimeUs::new(event["time_us"].as_u64().unwrap()).unwrap();
    let time = String::from_utf8(rfc3339(time).to_vec()).unwrap();
    payload.insert("time".into(), json!(time));
    match kind {
        "commit" => payload.extend(event["commit"].as_object().unwrap().clone()),
        other => {
            payload.insert(other.into(), event[other].clone());
        }
    }
    json!({"$type": "message", "payload": payload})
}

/// The fields in alphabetical order, which `$` precedes.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    payload: BTreeMap<&'a str, &'a RawValue>,
}

fn assembled(event: &[u8], seq: u64) -> Vec<u8> {
    let mut json = Vec::new();
    assert!(put_json(&mut json, event, seq));
    let message = text_message(event, seq).unwrap();
    assert_eq!(
        message[..],
        websocket::text_frame(&json)[..],
        "a finished frame"
    );
    json
}

/// Checks one event against the model, its length and the order of its keys.
fn check(event: &[u8], seq: u64) -> Value {
    let json = assembled(event, seq);
    let value: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(value, mapped(event, seq));
    let (topic, action) = about(&value);
    assert_eq!(json.len(), json_len(event.len(), &topic, action, seq));
    let Message { payload } = serde_json::from_slice(&json).unwrap();
    let fields: Vec<_> = payload
        .iter()
        .map(|(key, value)| format!("\"{key}\":{value}"))
        .collect();
    let sorted = format!(
        r#"{{"$type":"message","payload":{{{}}}}}"#,
        fields.join(",")
    );
    assert_eq!(String::from_utf8(json).unwrap(), sorted);
    for absent in ["time_us", "kind", "commit"] {
        assert!(value["payload"].get(absent).is_none(), "{absent}");
    }
    value
}

fn about(value: &Value) -> (Topic, Option<Action>) {
    let payload = &value["payload"];
    let kind = payload["$type"].as_str().unwrap().rsplit('#').next();
    match kind.unwrap() {
        "commit" => {
            let name = Nsid::parse(payload["collection"].as_str().unwrap()).unwrap();
            let action = Action::parse(payload["operation"].as_str().unwrap());
            (Topic::Commit(name.shared()), action)
        }
        "identity" => (Topic::Identity, None),
        "account" => (Topic::Account, None),
        _ => (Topic::Sync, None),
    }
}

const CID: &str = "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

fn commit(action: Action, record: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let head = v1::CommitHead {
        did: Did::parse("did:plc:ux2eeflheratfrvp3xfbp4zi").unwrap(),
        rev: Tid::parse("3mptbyp63ih2m").unwrap(),
        action,
        collection: Nsid::parse("app.bsky.feed.post").unwrap(),
        rkey: RecordKey::parse("3m3q3ut7jsm2m").unwrap(),
    };
    v1::begin_commit(&mut out, &head);
    if action == Action::Delete {
        v1::end_delete(&mut out);
    } else {
        out.extend_from_slice(record.as_bytes());
        v1::end_commit(&mut out, Cid::parse(CID).unwrap());
    }
    stamped(out)
}

fn stamped(mut event: Vec<u8>) -> Vec<u8> {
    assert!(v1::stamp(
        &mut event,
        TimeUs::new(1_700_000_000_000_000).unwrap()
    ));
    event
}

fn sync(blocks: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let did = Did::parse("did:plc:a").unwrap();
    let rev = Tid::parse("3mptbyp63ih2m").unwrap();
    let time = Datetime::parse("2026-05-25T14:23:29.950Z").unwrap();
    v1::write_sync(&mut out, did, rev, blocks, 7, time);
    stamped(out)
}

#[test]
fn a_create_has_its_keys_in_order() {
    let event = commit(
        Action::Create,
        r#"{"$type":"app.bsky.feed.post","text":"hi"}"#,
    );
    let expected = format!(
        r#"{{"$type":"message","payload":{{"$type":"network.bsky.jetstream.subscribeEvents#commit","cid":"{CID}","collection":"app.bsky.feed.post","did":"did:plc:ux2eeflheratfrvp3xfbp4zi","operation":"create","record":{{"$type":"app.bsky.feed.post","text":"hi"}},"rev":"3mptbyp63ih2m","rkey":"3m3q3ut7jsm2m","seq":42,"time":"2023-11-14T22:13:20.000000Z"}}}}"#
    );
    assert_eq!(String::from_utf8(assembled(&event, 42)).unwrap(), expected);
    check(&event, 42);
}

#[test]
fn a_delete_has_no_record_and_no_cid() {
    let value = check(&commit(Action::Delete, ""), 1);
    assert!(value["payload"].get("record").is_none());
    assert!(value["payload"].get("cid").is_none());
    assert_eq!(value["payload"]["operation"], "delete");
}

#[test]
fn a_sync_has_its_blocks_unpadded() {
    let value = check(&sync(&[1, 2, 3, 4]), u64::MAX);
    assert_eq!(
        value["payload"]["sync"]["blocks"],
        json!({"$bytes": "AQIDBA"})
    );
    assert_eq!(value["payload"]["sync"]["seq"], 7);
    assert_eq!(value["payload"]["seq"], u64::MAX);
}

#[test]
fn a_record_may_contain_what_surrounds_it() {
    for record in [
        "{}",
        r#"{"text":",\"cid\":\"bafy\"}}"}"#,
        r#"{"cid":"x","rkey":"y","record":{"cid":"z"}}"#,
        r#"{"a":["}}",{"cid":""}]}"#,
        r#"{"big":9007199254740991,"link":{"$link":"bafy"},"b":{"$bytes":"AQID"},"t":"\u003c\u003e\u0026\u2028🙂"}"#,
    ] {
        let value = check(&commit(Action::Update, record), 3);
        assert_eq!(
            value["payload"]["record"],
            serde_json::from_str::<Value>(record).unwrap()
        );
    }
}

#[test]
fn what_is_no_event_is_refused() {
    let whole = commit(Action::Create, "{}");
    for end in 0..whole.len() {
        assert_eq!(text_message(&whole[..end], 1), None, "{end}");
    }
    let mut unstamped = Vec::new();
    let did = Did::parse("did:plc:a").unwrap();
    let time = Datetime::parse("2026-05-25T14:23:29.950Z").unwrap();
    v1::write_identity(&mut unstamped, did, None, 1, time);
    let mut out = b"before".to_vec();
    assert!(!put_json(&mut out, &unstamped, 1));
    assert_eq!(out, b"before");
}

#[test]
fn notices_are_what_clients_expect() {
    let info: Value = serde_json::from_slice(&outdated_cursor(200)).unwrap();
    assert_eq!(
        info["payload"],
        json!({
            "$type": "network.bsky.jetstream.subscribeEvents#info",
            "message": "requested timestamp cursor below retention floor; starting at seq 200",
            "name": "OutdatedCursor",
        })
    );
    let slow = error(ErrorCode::ConsumerTooSlow, "reconnect with cursor=7");
    let slow: Value = serde_json::from_slice(&slow[2..]).unwrap();
    assert_eq!(
        slow,
        json!({"$type": "error", "error": "ConsumerTooSlow", "message": "reconnect with cursor=7"})
    );
    let bare = error(ErrorCode::ConsumerTooSlow, "");
    assert!(!String::from_utf8_lossy(&bare).contains("message\":"));
}

/// Every line that production served, if this machine has them.
#[test]
fn recorded_events_are_what_the_model_says() {
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
    let (mut before, mut after) = (0, 0);
    for (seq, line) in (1..).zip(lines.lines()) {
        check(line.as_bytes(), seq);
        before += line.len();
        after += assembled(line.as_bytes(), seq).len();
    }
    println!(
        "{} events, v1 {before} bytes, v2 {after}",
        lines.lines().count()
    );
}

fn event() -> impl Strategy<Value = Vec<u8>> {
    let did = "did:(plc|web):[a-zA-Z0-9.:-]{0,40}[a-z0-9]";
    let text = prop_oneof![
        "\\PC{0,40}",
        Just(r#"","cid":"bafy"}}"#.to_owned()),
        Just(r#"}}"#.to_owned()),
    ];
    let filler = prop_oneof![Just(0_usize), Just(200), 65_000..66_000_usize];
    (0..6_u8, did, text, filler, any::<u32>()).prop_map(|(shape, did, text, filler, seq)| {
        let did = Did::parse(did.as_str()).unwrap();
        let time = Datetime::parse("2026-05-25T14:23:29.950Z").unwrap();
        let seq = u64::from(seq);
        let mut out = Vec::new();
        let actions = [Action::Create, Action::Update, Action::Delete];
        match shape {
            0 => v1::write_identity(&mut out, did, Some(&text), seq, time),
            1 => v1::write_account(&mut out, did, seq % 2 == 0, Some(&text), seq, time),
            2 => return sync(text.as_bytes()),
            _ => {
                let text = format!("{text}{}", "x".repeat(filler));
                let record = json!({"cid": text, "text": text}).to_string();
                return commit(actions[usize::from(shape) - 3], &record);
            }
        }
        stamped(out)
    })
}

proptest! {
    #[test]
    fn an_event_is_what_the_model_says(event in event(), seq in 1_u64..=u64::MAX) {
        check(&event, seq);
    }
}

#[test]
fn a_slow_client_gets_the_error_before_the_close() {
    let ended = close(&CloseReason::FellBehind, Some(7)).unwrap();
    let error = error(
        ErrorCode::ConsumerTooSlow,
        "reading too slowly, events no longer retained; reconnect with cursor=7",
    );
    let rest = ended.strip_prefix(&error[..]).unwrap();
    assert_eq!(rest[..2], [0x88, rest.len() as u8 - 2]);
    assert_eq!(rest[2..4], 1008_u16.to_be_bytes());
    // Any other error frame would end the Python client for good.
    for reason in CloseReason::ALL {
        if reason != CloseReason::FellBehind {
            assert_eq!(close(&reason, Some(7)), reason.frame(Some(7)));
        }
    }
}
