//! A consumer that handles good and bad frames as specified, built from generic crates: the expected events are
//! compared with it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use cid::Cid;
use fanjet_event::{Action, Datetime, Did, Nsid, RecordKey, Tid};
use ipld_core::ipld::Ipld;
use sha2::{Digest, Sha256};

use crate::verify::{Frame, field};

/// Remembers what it has already seen.
#[derive(Default)]
pub(crate) struct Consumer {
    last_seq: u64,
}

/// The log's limit for one event, in bytes of JSON.
const MAX_EVENT: usize = (2 << 20) - (4 << 10);
/// The limit for the events of one frame, in bytes of JSON.
const MAX_FRAME: usize = 8_000_000;
/// Operations of one commit (Lexicon).
const MAX_OPS: usize = 200;

/// A resulting event: its origin, and its v1 JSON with `time_us` 0 (for a sync its rev).
#[derive(Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) relay_seq: u64,
    pub(crate) place: (u32, u32),
    pub(crate) json: String,
}

impl Consumer {
    pub(crate) fn frame(&mut self, bytes: &[u8]) -> Vec<Event> {
        let Some(frame) = Frame::decode(bytes) else {
            return Vec::new();
        };
        let Some(seq) = frame.seq().filter(|seq| *seq > self.last_seq) else {
            return Vec::new();
        };
        self.last_seq = seq;
        let single = |json: String| {
            vec![Event {
                relay_seq: seq,
                place: (0, 1),
                json,
            }]
        };
        match frame.event_type.as_str() {
            "#commit" => commit(seq, &frame.body).unwrap_or_default(),
            "#identity" => single(whole("identity", &frame.body)),
            "#account" => single(whole("account", &frame.body)),
            "#sync" => single(text(&frame.body, "rev").unwrap().to_owned()),
            _ => Vec::new(),
        }
    }
}

fn commit(seq: u64, body: &Ipld) -> Option<Vec<Event>> {
    let rev = text(body, "rev")?;
    Tid::parse(rev).ok()?;
    Datetime::parse(text(body, "time")?).ok()?;
    let Ipld::Bytes(blocks) = field(body, "blocks") else {
        return None;
    };
    let blocks = parse_car(blocks)?;
    let Ipld::List(ops) = field(body, "ops") else {
        return None;
    };
    if field(body, "tooBig") == &Ipld::Bool(true) {
        return None;
    }
    let did = text(body, "repo")?;
    Did::parse(did).ok()?;
    if ops.len() > MAX_OPS {
        return None;
    }
    let Ipld::Link(commit) = field(body, "commit") else {
        return None;
    };
    let object = matching(&blocks, commit)??;
    let Ipld::Link(data) = field(&object, "data") else {
        return None;
    };
    let numbered = (0..).zip(ops);
    let events = numbered.filter_map(|(index, op)| {
        let (collection, rkey) = text(op, "path")?.split_once('/')?;
        Nsid::parse(collection).ok()?;
        RecordKey::parse(rkey).ok()?;
        let action = text(op, "action")?;
        Action::parse(action)?;
        let in_tree = find(&blocks, data, text(op, "path")?.as_bytes());
        let mut json = format!(
            r#"{{"did":"{did}","time_us":0,"kind":"commit","commit":{{"rev":"{rev}","operation":"{action}","collection":"{collection}","rkey":"{rkey}""#
        );
        if action == "delete" {
            if matches!(in_tree, Some(Some(_))) {
                return None;
            }
        } else {
            let Ipld::Link(cid) = field(op, "cid") else {
                return None;
            };
            if in_tree != Some(Some(*cid)) {
                return None;
            }
            let block = blocks.get(&cid.to_bytes())?;
            if cid.hash().digest() != &Sha256::digest(block)[..] {
                return None;
            }
            let record: Ipld = serde_ipld_dagcbor::from_slice(block).ok()?;
            if !matches!(record, Ipld::Map(_)) {
                return None;
            }
            json.push_str(&format!(r#","record":{},"cid":"{cid}""#, v1(&record)));
        }
        json.push_str("}}");
        if json.len() > MAX_EVENT {
            return None;
        }
        Some(Event {
            relay_seq: seq,
            place: (index, ops.len() as u32),
            json,
        })
    });
    let mut kept: Vec<Event> = Vec::new();
    let mut bytes = 0;
    for event in events {
        bytes += event.json.len();
        if bytes > MAX_FRAME {
            return None;
        }
        kept.push(event);
    }
    Some(kept)
}

type Blocks = BTreeMap<Vec<u8>, Vec<u8>>;

/// A block's value; `Some(None)` if the block does not match its CID.
fn matching(blocks: &Blocks, cid: &Cid) -> Option<Option<Ipld>> {
    let block = blocks.get(&cid.to_bytes())?;
    let matches = cid.hash().digest() == &Sha256::digest(block)[..];
    Some(
        serde_ipld_dagcbor::from_slice(block)
            .ok()
            .filter(|_| matches),
    )
}

/// What the tree has under a path; `None` if a node on the way is missing.
fn find(blocks: &Blocks, node: &Cid, path: &[u8]) -> Option<Option<Cid>> {
    let node = matching(blocks, node)??;
    let Ipld::List(entries) = field(&node, "e") else {
        return None;
    };
    let (mut child, mut key) = (field(&node, "l"), Vec::new());
    for entry in entries {
        let (Ipld::Integer(shared), Ipld::Bytes(rest)) = (field(entry, "p"), field(entry, "k"))
        else {
            return None;
        };
        key.truncate(usize::try_from(*shared).ok()?);
        key.extend_from_slice(rest);
        match (key.as_slice().cmp(path), field(entry, "v")) {
            (Ordering::Less, _) => child = field(entry, "t"),
            (Ordering::Equal, Ipld::Link(record)) => return Some(Some(*record)),
            _ => break,
        }
    }
    match child {
        Ipld::Link(child) => find(blocks, child, path),
        _ => Some(None),
    }
}

fn whole(kind: &str, body: &Ipld) -> String {
    let did = text(body, "did").unwrap();
    format!(
        r#"{{"did":"{did}","time_us":0,"kind":"{kind}","{kind}":{}}}"#,
        v1(body)
    )
}

fn parse_car(mut rest: &[u8]) -> Option<Blocks> {
    let mut sections = Vec::new();
    while !rest.is_empty() {
        let (mut length, mut shift) = (0, 0);
        loop {
            let (byte, behind) = rest.split_first()?;
            rest = behind;
            length |= usize::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if *byte < 0x80 {
                break;
            }
        }
        let (section, behind) = rest.split_at_checked(length)?;
        sections.push(section);
        rest = behind;
    }
    let blocks = sections.into_iter().skip(1);
    blocks
        .map(|section| {
            let (cid, block) = section.split_at_checked(36)?;
            Some((cid.to_vec(), block.to_vec()))
        })
        .collect()
}

fn text<'a>(value: &'a Ipld, key: &str) -> Option<&'a str> {
    match field(value, key) {
        Ipld::String(text) => Some(text),
        _ => None,
    }
}

/// v1 JSON of decoded data.
fn v1(value: &Ipld) -> String {
    match value {
        Ipld::Null => "null".to_owned(),
        Ipld::Bool(value) => value.to_string(),
        Ipld::Integer(value) => value.to_string(),
        Ipld::Float(value) => {
            let text = value.to_string();
            if (1e-6..1e21).contains(&value.abs()) || *value == 0.0 {
                text
            } else {
                serde_json::to_string(value)
                    .unwrap()
                    .replace("e+", "e")
                    .replace('e', "e+")
                    .replace("e+-", "e-")
            }
        }
        Ipld::String(text) => quoted(text),
        Ipld::Bytes(bytes) => {
            let base64 = data_encoding::BASE64_NOPAD.encode(bytes);
            format!(r#"{{"$bytes":"{base64}"}}"#)
        }
        Ipld::Link(cid) => format!(r#"{{"$link":"{cid}"}}"#),
        Ipld::List(elements) => {
            let elements: Vec<String> = elements.iter().map(v1).collect();
            format!("[{}]", elements.join(","))
        }
        Ipld::Map(map) => {
            let blob = field(value, "$type") == &Ipld::String("blob".to_owned());
            let mut keys: Vec<&str> = map.keys().map(String::as_str).collect();
            if blob {
                keys = vec!["$type", "ref", "mimeType", "size"];
            }
            let entries: Vec<String> = keys
                .into_iter()
                .map(|key| format!("{}:{}", quoted(key), v1(&map[key])))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

fn quoted(text: &str) -> String {
    let mut json = serde_json::to_string(text).unwrap();
    for (raw, escaped) in [
        ("&", "\\u0026"),
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("\u{2028}", "\\u2028"),
        ("\u{2029}", "\\u2029"),
    ] {
        json = json.replace(raw, escaped);
    }
    json
}
