//! Frames, operations and CARs on trees.

use std::collections::HashMap;
use std::io::Cursor;

use fanjet_event::{Cid, Codec};
use futures::FutureExt;
use iroh_car::CarReader;
use serde::Deserialize;
use serde_ipld_dagcbor::de::Deserializer;

use super::value::Value;
use super::{Refusal, record_json};

/// The oracle's view of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct SlowFrame {
    /// The header's `t`, or `error`.
    pub kind: String,
    /// Known fields by name, as text; absent ones are absent.
    pub fields: Vec<(&'static str, String)>,
    /// A commit's CAR.
    pub blocks: Vec<u8>,
    ops: Vec<Value>,
}

/// An operation with its record.
#[derive(Debug, Clone, PartialEq)]
pub struct SlowOperation {
    /// `create`, `update` or `delete`.
    pub action: String,
    /// `<collection>/<rkey>`.
    pub path: String,
    /// The record, unless deleted.
    pub content: Option<SlowContent>,
}

/// A record and its JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct SlowContent {
    /// The record's CID.
    pub cid: Cid,
    /// DAG-CBOR.
    pub record: Vec<u8>,
    /// v1 JSON.
    pub json: Result<Vec<u8>, Refusal>,
}

/// Blocks in order, by binary CID.
pub type Blocks = Vec<(Vec<u8>, Vec<u8>)>;

/// Reads a frame.
///
/// # Errors
/// [`Refusal`] when header or body are not what they should be.
pub fn read_frame(bytes: &[u8]) -> Result<SlowFrame, Refusal> {
    let mut deserializer = Deserializer::from_slice(bytes);
    let header = Value::deserialize(&mut deserializer)?;
    let body = Value::deserialize(&mut deserializer)?;
    deserializer.end()?;
    if header.encoded_len() + body.encoded_len() != bytes.len() {
        return Err(Refusal::new("not DAG-CBOR's own form"));
    }
    let header = Map::new(header)?;
    let kind = match header.get("op")? {
        Some(Value::Integer(-1)) => {
            header.text("t", false)?;
            "error".to_owned()
        }
        Some(Value::Integer(1)) => header
            .text("t", false)?
            .ok_or_else(|| Refusal::new("no t"))?,
        _ => return Err(Refusal::new("op")),
    };
    let mut frame = SlowFrame {
        kind,
        fields: Vec::new(),
        blocks: Vec::new(),
        ops: Vec::new(),
    };
    if !matches!(
        frame.kind.as_str(),
        "#commit" | "#identity" | "#account" | "#sync" | "#info" | "error"
    ) {
        frame.unknown(body);
        return Ok(frame);
    }
    let body = Map::new(body)?;
    let (required, optional): (&[_], &[_]) = match frame.kind.as_str() {
        "#commit" => (&["repo", "rev", "time"], &["since"]),
        "#identity" => (&["did", "time"], &["handle"]),
        "#account" => (&["did", "time"], &["status"]),
        "#sync" => (&["did", "rev", "time"], &[]),
        "#info" => (&["name"], &["message"]),
        _ => (&["error"], &["message"]),
    };
    if !matches!(frame.kind.as_str(), "#info" | "error") {
        frame.seq(&body)?;
    }
    for key in required {
        frame.push(key, body.text(key, true)?);
    }
    for key in optional {
        frame.push(key, body.text(key, false)?);
    }
    match frame.kind.as_str() {
        "#commit" => frame.commit(&body)?,
        "#account" => {
            let active = body.bool("active")?.ok_or_else(|| Refusal::new("active"))?;
            frame.push("active", Some(active.to_string()));
        }
        "#sync" => frame.blocks = body.bytes("blocks")?,
        _ => {}
    }
    Ok(frame)
}

impl SlowFrame {
    /// A commit's operations, with blocks as iroh-car reads them, or the reason why each is lost.
    ///
    /// # Errors
    /// [`Refusal`] when iroh-car cannot read the blocks.
    pub fn operations(&self) -> Result<Vec<Result<SlowOperation, &'static str>>, Refusal> {
        let (blocks, error) = read_car(&self.blocks)?;
        match error {
            Some(refusal) => Err(refusal),
            None => Ok(self.operations_in(&blocks)),
        }
    }

    pub(super) fn operations_in(
        &self,
        blocks: &Blocks,
    ) -> Vec<Result<SlowOperation, &'static str>> {
        let mut by_cid = HashMap::new();
        for (cid, block) in blocks {
            by_cid.entry(cid.clone()).or_insert_with(|| block.clone());
        }
        self.ops.iter().map(|op| operation(op, &by_cid)).collect()
    }

    fn push(&mut self, key: &'static str, value: Option<String>) {
        self.fields.extend(value.map(|value| (key, value)));
    }

    fn seq(&mut self, body: &Map) -> Result<(), Refusal> {
        match body.get("seq")? {
            Some(Value::Integer(seq @ 0..)) => {
                self.push("seq", Some(seq.to_string()));
                Ok(())
            }
            _ => Err(Refusal::new("seq")),
        }
    }

    fn unknown(&mut self, body: Value) {
        let Value::Map(entries) = body else { return };
        let last = entries.into_iter().rfind(|(key, _)| key == "seq");
        if let Some((_, Value::Integer(seq @ 0..))) = last {
            self.push("seq", Some(seq.to_string()));
        }
    }

    fn commit(&mut self, body: &Map) -> Result<(), Refusal> {
        let too_big = body.bool("tooBig")?.unwrap_or(false);
        self.push("tooBig", Some(too_big.to_string()));
        for key in ["commit", "prevData"] {
            let cid = match body.get(key)? {
                None | Some(Value::Null) => None,
                Some(Value::Link(bytes)) => Some(
                    Cid::from_bytes(bytes)
                        .ok_or_else(|| Refusal::new("CID"))?
                        .to_string(),
                ),
                Some(_) => return Err(Refusal::new(key)),
            };
            self.push(key, cid);
        }
        self.blocks = body.bytes("blocks")?;
        match body.get("ops")? {
            Some(Value::List(ops)) => self.ops.clone_from(ops),
            _ => return Err(Refusal::new("ops")),
        }
        Ok(())
    }
}

/// All blocks up to the end or the first error.
pub type CarBlocks = (Blocks, Option<Refusal>);

/// Reads a CAR with iroh-car.
///
/// # Errors
/// [`Refusal`] when the header cannot be read.
pub fn read_car(car: &[u8]) -> Result<CarBlocks, Refusal> {
    let pending = || Refusal::new("reading from memory waited");
    let mut reader = CarReader::new(Cursor::new(car))
        .now_or_never()
        .ok_or_else(pending)??;
    let mut blocks = Vec::new();
    loop {
        match reader.next_block().now_or_never().ok_or_else(pending)? {
            Ok(Some((cid, block))) => blocks.push((cid.to_bytes(), block)),
            Ok(None) => return Ok((blocks, None)),
            Err(error) => return Ok((blocks, Some(error.into()))),
        }
    }
}

fn operation(
    op: &Value,
    blocks: &HashMap<Vec<u8>, Vec<u8>>,
) -> Result<SlowOperation, &'static str> {
    let malformed = |_| "malformed_op";
    let op = Map::new(op.clone()).map_err(malformed)?;
    let action = op
        .text("action", true)
        .map_err(malformed)?
        .unwrap_or_default();
    let path = op
        .text("path", true)
        .map_err(malformed)?
        .unwrap_or_default();
    let cid = op.get("cid").map_err(malformed)?;
    if !["create", "update", "delete"].contains(&action.as_str()) {
        return Err("unknown_action");
    }
    if path.matches('/').count() != 1 {
        return Err("invalid_path");
    }
    let content = match cid {
        _ if action == "delete" => None,
        None | Some(Value::Null) => return Err("missing_cid"),
        Some(Value::Link(bytes)) => {
            let is_record = |cid: &Cid| cid.codec() == Codec::DagCbor;
            let cid = Cid::from_bytes(bytes)
                .filter(is_record)
                .ok_or("invalid_cid")?;
            let record = blocks.get(bytes).ok_or("missing_block")?.clone();
            if cid != Cid::of_dag_cbor(&record) {
                return Err("cid_mismatch");
            }
            let json = record_json(&record);
            Some(SlowContent { cid, record, json })
        }
        Some(_) => return Err("invalid_cid"),
    };
    Ok(SlowOperation {
        action,
        path,
        content,
    })
}

struct Map(Vec<(String, Value)>);

impl Map {
    fn new(value: Value) -> Result<Self, Refusal> {
        match value {
            Value::Map(entries) => Ok(Self(entries)),
            _ => Err(Refusal::new("not a map")),
        }
    }

    /// The value of a key that appears at most once.
    fn get(&self, key: &str) -> Result<Option<&Value>, Refusal> {
        let mut values = self.0.iter().filter(|(have, _)| have == key);
        let first = values.next().map(|(_, value)| value);
        match values.next() {
            None => Ok(first),
            Some(_) => Err(Refusal::new("duplicate key")),
        }
    }

    fn text(&self, key: &str, required: bool) -> Result<Option<String>, Refusal> {
        match self.get(key)? {
            Some(Value::Text(text)) => Ok(Some(text.clone())),
            None | Some(Value::Null) if !required => Ok(None),
            _ => Err(Refusal::new(key)),
        }
    }

    fn bool(&self, key: &str) -> Result<Option<bool>, Refusal> {
        match self.get(key)? {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(Refusal::new(key)),
        }
    }

    fn bytes(&self, key: &str) -> Result<Vec<u8>, Refusal> {
        match self.get(key)? {
            Some(Value::Bytes(bytes)) => Ok(bytes.clone()),
            _ => Err(Refusal::new(key)),
        }
    }
}
