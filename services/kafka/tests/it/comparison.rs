//! Compares the messages of a topic with the log, by a second implementation of at-kafka's contract.

use std::collections::HashMap;

use fanjet_log::Entry;
use fanjet_testkit::kafka_reader::Read;
use serde_json::{Map, Value, json};

/// The result.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// Events that the topic should hold.
    pub(crate) expected: usize,
    /// Messages beyond the first of each event.
    pub(crate) repeated: usize,
}

/// The format of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Standard,
    Osprey,
}

/// The envelope of an entry, built from its parsed JSON. `None` if the entry is not produced.
pub(crate) fn envelope(entry: &Entry) -> Option<Value> {
    let v1: Value = serde_json::from_slice(&entry.body).unwrap();
    let did = v1["did"].as_str().unwrap();
    let mut envelope = Map::new();
    envelope.insert("did".to_owned(), json!(did));
    envelope.insert("timestamp".to_owned(), json!(entry.origin.time.as_str()));
    envelope.insert("eventMetadata".to_owned(), Value::Null);
    match v1["kind"].as_str().unwrap() {
        "commit" => {
            let commit = &v1["commit"];
            let collection = commit["collection"].as_str().unwrap();
            let rkey = commit["rkey"].as_str().unwrap();
            let operation = json!({
                "action": commit["operation"],
                "collection": collection,
                "rkey": rkey,
                "uri": format!("at://{did}/{collection}/{rkey}"),
                "cid": commit.get("cid").unwrap_or(&json!("")),
                "path": format!("{collection}/{rkey}"),
                "record": commit.get("record"),
            });
            envelope.insert("operation".to_owned(), operation);
        }
        "account" => {
            let mut account = v1["account"].as_object().unwrap().clone();
            account.retain(|key, _| ["active", "seq", "status"].contains(&key.as_str()));
            envelope.insert("account".to_owned(), account.into());
        }
        "identity" => {
            let identity = &v1["identity"];
            let handle = identity.get("handle").cloned().unwrap_or(json!(""));
            let identity = json!({"seq": identity["seq"], "handle": handle});
            envelope.insert("identity".to_owned(), identity);
        }
        _ => return None,
    }
    Some(envelope.into())
}

/// The name of an entry's action.
fn action_name(envelope: &Value) -> String {
    let operation = envelope["operation"]["action"].as_str();
    let other = || {
        let is_account = envelope.get("account").is_some();
        if is_account { "account" } else { "identity" }.to_owned()
    };
    operation.map_or_else(other, |action| format!("operation#{action}"))
}

/// Checks everything that consumers rely on.
pub(crate) fn compare(entries: &[Entry], read: &[Read], style: Style) -> Comparison {
    let expected: HashMap<u64, Value> = entries
        .iter()
        .filter_map(|entry| Some((entry.seq, envelope(entry)?)))
        .collect();
    let traces: HashMap<u64, String> = entries
        .iter()
        .filter_map(|entry| Some((entry.seq, entry.trace?.to_string())))
        .collect();
    let mut ids: HashMap<u64, u64> = HashMap::new();
    let mut partitions: HashMap<&str, i32> = HashMap::new();
    let mut newest: HashMap<&str, u64> = HashMap::new();
    let mut comparison = Comparison {
        expected: expected.len(),
        repeated: 0,
    };
    let mut seen = std::collections::HashSet::new();
    for message in read {
        let seq: u64 = message.headers["seq"].parse().unwrap();
        let wanted = expected
            .get(&seq)
            .unwrap_or_else(|| panic!("seq {seq} is not an event of the log"));
        let value: Value = serde_json::from_str(&message.value).unwrap();
        let data = match style {
            Style::Standard => &value,
            Style::Osprey => {
                let id = value["data"]["action_id"].as_u64().unwrap();
                assert_eq!(*ids.entry(seq).or_insert(id), id, "seq {seq} has two ids");
                assert_eq!(value["data"]["action_name"], action_name(wanted));
                assert_eq!(value["data"]["timestamp"], wanted["timestamp"]);
                &value["data"]["data"]
            }
        };
        assert_eq!(data, wanted, "seq {seq}");
        assert_eq!(message.headers.get("traceparent"), traces.get(&seq));
        assert_eq!(
            wanted["did"],
            message.key.as_str(),
            "seq {seq} has another key"
        );
        let partition = *partitions.entry(&message.key).or_insert(message.partition);
        assert_eq!(
            partition, message.partition,
            "{} is in two partitions",
            message.key
        );
        if seen.insert(seq) {
            // New events of an account are in order.
            let newest = newest.entry(&message.key).or_default();
            assert!(seq > *newest, "seq {seq} comes after {newest}");
            *newest = seq;
        } else {
            comparison.repeated += 1;
        }
    }
    let mut missing: Vec<_> = expected.keys().filter(|seq| !seen.contains(seq)).collect();
    missing.sort();
    assert!(
        missing.is_empty(),
        "{} events are missing, the first is seq {:?}",
        missing.len(),
        missing.first()
    );
    let different: std::collections::HashSet<_> = ids.values().collect();
    assert_eq!(different.len(), ids.len(), "two events share an id");
    comparison
}
