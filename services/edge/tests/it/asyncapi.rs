//! Checks that the AsyncAPI document matches the code.

use std::collections::BTreeSet;

use fanjet_edge::EdgeConfig;
use fanjet_event::{Action, Cid, Datetime, Did, Nsid, RecordKey, Tid, TimeUs};
use fanjet_filter::{
    ClientMessage, Filter, List, MAX_DELAY_MS, MAX_HEARTBEAT_SECONDS, OptionsUpdate, Parameter,
    SubscriberOptions, V2Options,
};
use fanjet_wire::close::CloseReason;
use fanjet_wire::{heartbeat, v1, v2};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/use/asyncapi.yaml");

fn document() -> Value {
    let text = std::fs::read_to_string(FILE).unwrap();
    let documents = Yaml::load_from_str(&text).unwrap();
    assert_eq!(documents.len(), 1);
    json(&documents[0])
}

fn json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => (*value).into(),
        Yaml::Value(Scalar::Integer(value)) => (*value).into(),
        Yaml::Value(Scalar::String(text)) => text.to_string().into(),
        Yaml::Sequence(values) => values.iter().map(json).collect(),
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                let twice = object.insert(key.as_str().unwrap().to_owned(), json(value));
                assert_eq!(twice, None, "{key:?}");
            }
            object.into()
        }
        other => panic!("not a JSON type: {other:?}"),
    }
}

/// The value, or the target of its reference.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref") {
        Some(target) => {
            let pointer = target.as_str().unwrap().strip_prefix('#').unwrap();
            resolved(document, document.pointer(pointer).unwrap())
        }
        None => value,
    }
}

fn examples<'a>(document: &'a Value, message: &str) -> Vec<&'a Value> {
    let examples = &document["components"]["messages"][message]["examples"];
    let examples = examples.as_array().unwrap().iter();
    examples.map(|example| &example["payload"]).collect()
}

fn check_references(document: &Value, value: &Value) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("$ref") {
                resolved(document, value);
            }
            fields
                .values()
                .for_each(|value| check_references(document, value));
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| check_references(document, value)),
        _ => {}
    }
}

#[test]
fn every_reference_resolves() {
    let document = document();
    assert_eq!(document["asyncapi"], "3.0.0");
    check_references(&document, &document);
}

#[test]
fn the_query_parameters_are_those_of_the_parser_with_their_limits() {
    let document = document();
    let query = &document["channels"]["subscribe"]["bindings"]["ws"]["query"]["properties"];
    let named: BTreeSet<_> = query
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let known: BTreeSet<_> = Parameter::all().map(Parameter::name).collect();
    assert_eq!(named, known);
    for parameter in Parameter::all() {
        let schema = resolved(&document, &query[parameter.name()]);
        match parameter {
            Parameter::List(list) => check_list(list, schema),
            Parameter::Heartbeat => {
                assert_eq!(schema["minimum"], 1);
                assert_eq!(schema["maximum"], MAX_HEARTBEAT_SECONDS);
            }
            Parameter::MaxDelayMs => {
                assert_eq!(schema["minimum"], 0);
                assert_eq!(schema["maximum"], MAX_DELAY_MS);
            }
            Parameter::MaxMessageSizeBytes => assert_eq!(schema["maximum"], u32::MAX),
            Parameter::Format => {
                for word in schema["enum"].as_array().unwrap() {
                    let query = format!("format={}", word.as_str().unwrap());
                    assert!(SubscriberOptions::parse(&query).is_ok(), "{query}");
                }
            }
            Parameter::Cursor | Parameter::RequireHello | Parameter::Compress => {}
        }
    }
}

fn check_list(list: List, schema: &Value) {
    assert_eq!(schema["type"], "array");
    assert_eq!(schema["maxItems"], list.max(), "{list}");
    let Some(words) = schema["items"].get("enum") else {
        return;
    };
    // Each documented value is accepted, and no other one.
    let words: Vec<_> = words
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect();
    assert_eq!(words.len(), list.max());
    let parse = |word: &str| SubscriberOptions::parse(&format!("{}={word}", list.name()));
    for word in &words {
        assert!(parse(word).is_ok(), "{word}");
    }
    let refusal = parse("other").unwrap_err().to_string();
    assert!(
        refusal.ends_with(&format!("(allowed: {})", words.join(", "))),
        "{refusal}"
    );
}

#[test]
fn the_keys_of_a_filter_are_those_of_the_parser() {
    let document = document();
    let keys = &document["components"]["schemas"]["Filter"]["properties"];
    let named: BTreeSet<_> = keys
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let lists = List::ALL.into_iter().map(List::name);
    let known: BTreeSet<_> = lists
        .chain([Parameter::MaxMessageSizeBytes, Parameter::MaxDelayMs].map(Parameter::name))
        .collect();
    assert_eq!(named, known);
    for list in List::ALL {
        check_list(list, resolved(&document, &keys[list.name()]));
        // A known key rejects a number.
        assert!(OptionsUpdate::from_json(&format!(r#"{{"{}":5}}"#, list.name())).is_err());
    }
    let text = document.to_string();
    let limit = EdgeConfig::default().subscriber.max_client_message_bytes;
    assert_eq!(limit, 10_000_000);
    assert!(text.contains("10,000,000"));
}

#[test]
fn client_messages_are_understood() {
    let document = document();
    let filters: Vec<_> = examples(&document, "optionsUpdate")
        .into_iter()
        .map(
            |message| match ClientMessage::parse(message.to_string().as_bytes()) {
                Ok(ClientMessage::OptionsUpdate(update)) => update,
                other => panic!("{other:?}"),
            },
        )
        .collect();
    assert_eq!(
        filters[0].filter,
        Filter::new(["app.bsky.feed.post"], [], 0).unwrap()
    );
    let query = "unwantedCollections=app.bsky.feed.*&unwantedDids=did:plc:ux2eeflheratfrvp3xfbp4zi&wantedKinds=commit\
        &wantedKinds=account&wantedOperations=delete";
    assert_eq!(
        filters[1].filter,
        SubscriberOptions::parse(query).unwrap().filter
    );
    assert_eq!(filters.len(), 2);
}

fn stamped(time_us: u64, write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut body = Vec::new();
    write(&mut body);
    assert!(v1::stamp(&mut body, TimeUs::new(time_us).unwrap()));
    serde_json::from_slice(&body).unwrap()
}

fn commit(action: Action) -> Value {
    stamped(1_783_175_888_112_407, |body| {
        let head = v1::CommitHead {
            did: Did::parse("did:plc:ux2eeflheratfrvp3xfbp4zi").unwrap(),
            rev: Tid::parse("3mptbyp63ih2m").unwrap(),
            action,
            collection: Nsid::parse("app.bsky.graph.follow").unwrap(),
            rkey: RecordKey::parse("3m3q3ut7jsm2m").unwrap(),
        };
        v1::begin_commit(body, &head);
        if action == Action::Delete {
            v1::end_delete(body);
        } else {
            body.extend_from_slice(b"{}");
            v1::end_commit(body, Cid::of_dag_cbor(b"\xa0"));
        }
    })
}

#[test]
fn events_match_the_schema() {
    let document = document();
    let did = Did::parse("did:plc:g4ut2w5755qxi3fe7mfs72p4").unwrap();
    let time = Datetime::parse("2026-05-25T14:23:29.950Z").unwrap();
    let identity = stamped(1_779_719_010_267_528, |body| {
        v1::write_identity(body, did, None, 30_340_180_350, time);
    });
    let account = stamped(1_779_719_010_272_410, |body| {
        v1::write_account(body, did, true, None, 30_340_180_351, time);
    });
    let beat = heartbeat::json(TimeUs::new(1_779_719_010_267_528).unwrap());
    let beat: Value = serde_json::from_slice(&beat).unwrap();
    for (message, sent) in [
        (
            "commit",
            vec![commit(Action::Delete), commit(Action::Create)],
        ),
        ("identity", vec![identity]),
        ("account", vec![account]),
        ("heartbeat", vec![beat]),
    ] {
        let documented: Vec<_> = examples(&document, message).into_iter().cloned().collect();
        assert_eq!(documented, sent, "{message}");
    }
}

#[test]
fn the_parameters_of_v2_have_their_limits() {
    let document = document();
    let query = &document["channels"]["subscribeEvents"]["bindings"]["ws"]["query"]["properties"];
    let parse = |query: &str| V2Options::parse(query, None, &[7]).is_ok();
    let too_many = |name: &str, value: &str| {
        let most = query[name]["maxItems"].as_u64().unwrap() as usize;
        let values = |count| vec![format!("{name}={value}"); count].join("&");
        assert!(parse(&values(most)) && !parse(&values(most + 1)), "{name}");
    };
    too_many("kinds", "commit");
    too_many("dids", "did:plc:a");
    too_many("collections", "a.b.c");
    for kind in query["kinds"]["items"]["enum"].as_array().unwrap() {
        assert!(parse(&format!("kinds={}", kind.as_str().unwrap())));
    }
    // A known parameter takes no nonsense; an unknown one would be ignored.
    for name in query.as_object().unwrap().keys() {
        assert!(!parse(&format!("{name}=-")), "{name}");
    }
    assert_eq!(query["maxMessageSizeBytes"]["maximum"], u32::MAX);
    assert_eq!(query["zstdDictionary"]["maximum"], u32::MAX);
}

#[test]
fn the_messages_of_v2_are_those_that_are_sent() {
    let document = document();
    let event = commit(Action::Delete);
    let mut json = Vec::new();
    assert!(v2::put_json(&mut json, &keys_in_order(&event), 42));
    let commit: Value = serde_json::from_slice(&json).unwrap();
    let info: Value = serde_json::from_slice(&v2::outdated_cursor(200)).unwrap();
    let slow = v2::close(&CloseReason::FellBehind, Some(7)).unwrap();
    let at = |wanted| slow.iter().position(|&byte| byte == wanted).unwrap();
    let slow: Value = serde_json::from_slice(&slow[at(b'{')..=at(b'}')]).unwrap();
    for (message, sent) in [("v2Commit", commit), ("v2Info", info), ("v2Error", slow)] {
        let documented: Vec<_> = examples(&document, message).into_iter().cloned().collect();
        assert_eq!(documented, [sent], "{message}");
    }
}

/// A delete's bytes as they are in the log.
fn keys_in_order(event: &Value) -> Vec<u8> {
    let did = event["did"].as_str().unwrap();
    let time = event["time_us"].as_u64().unwrap();
    let commit = &event["commit"];
    let text = |key: &str| commit[key].as_str().unwrap();
    format!(
        r#"{{"did":"{did}","time_us":{time},"kind":"commit","commit":{{"rev":"{}","operation":"delete","collection":"{}","rkey":"{}"}}}}"#,
        text("rev"),
        text("collection"),
        text("rkey")
    )
    .into_bytes()
}
