//! The rules of v1 on a tree.

use std::collections::BTreeMap;

use data_encoding::{BASE64_NOPAD, Encoding};

use super::Refusal;
use super::json::Json;
use super::value::Value;

/// A record as v1 writes it.
///
/// # Errors
/// [`Refusal`] when it has no such form.
pub fn record_json(record: &[u8]) -> Result<Vec<u8>, Refusal> {
    if record.len() > 1 << 20 {
        return Err(Refusal::new("more than 1 MiB"));
    }
    let value: Value = serde_ipld_dagcbor::from_slice(record)?;
    if value.encoded_len() != record.len() {
        return Err(Refusal::new("not DAG-CBOR's own form"));
    }
    if value.levels() > 120 {
        return Err(Refusal::new("nested too deep"));
    }
    match to_json(value)? {
        Json::Object(entries) => Ok(Json::Object(entries).to_v1()),
        _ => Err(Refusal::new("not a plain map")),
    }
}

fn to_json(value: Value) -> Result<Json, Refusal> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(value),
        Value::Integer(value) => {
            Json::Integer(i64::try_from(value).map_err(|_| Refusal::new("integer beyond 64 bits"))?)
        }
        Value::Float(value) => Json::Float(value),
        Value::Text(text) => Json::Text(text),
        Value::Bytes(bytes) => Json::Bytes(BASE64_NOPAD.encode(&bytes)),
        Value::Link(bytes) => {
            let cid = cid::Cid::try_from(bytes.as_slice())
                .map_err(|error| Refusal::Other(error.to_string()))?;
            if cid.to_bytes() != bytes {
                return Err(Refusal::new("bytes behind a CID"));
            }
            Json::Link(cid.to_string())
        }
        Value::List(elements) if elements.len() > 131_072 => {
            return Err(Refusal::new("too many elements"));
        }
        Value::List(elements) => Json::List(
            elements
                .into_iter()
                .map(to_json)
                .collect::<Result<_, _>>()?,
        ),
        Value::Map(entries) => map_to_json(entries)?,
    })
}

fn map_to_json(entries: Vec<(String, Value)>) -> Result<Json, Refusal> {
    if entries.len() > 131_072 || entries.iter().any(|(key, _)| key.len() > 8_192) {
        return Err(Refusal::new("map or key too large"));
    }
    let count = entries.len();
    let map: BTreeMap<String, Value> = entries.into_iter().collect();
    if map.len() != count {
        return Err(Refusal::new("duplicate key"));
    }
    if let Some(link) = map.get("$link") {
        return match link {
            Value::Text(text) if count == 1 && text.len() <= 256 => {
                cid::Cid::try_from(text.as_str())
                    .ok()
                    .map(|cid| cid.to_string())
                    .filter(|canonical| canonical == text)
                    .map(Json::Link)
                    .ok_or_else(|| Refusal::new("$link is no CID"))
            }
            _ => Err(Refusal::new("$link")),
        };
    }
    if let Some(bytes) = map.get("$bytes") {
        return match bytes {
            Value::Text(text) if count == 1 => go_raw_base64()?
                .decode(text.as_bytes())
                .map(|bytes| Json::Bytes(BASE64_NOPAD.encode(&bytes)))
                .map_err(|error| Refusal::Other(error.to_string())),
            _ => Err(Refusal::new("$bytes")),
        };
    }
    match map.get("$type") {
        None => {}
        Some(Value::Text(kind)) if kind == "blob" => return blob(map),
        Some(Value::Text(kind)) if !kind.is_empty() => {}
        Some(_) => return Err(Refusal::new("$type")),
    }
    let entries = map
        .into_iter()
        .map(|(key, value)| Ok((key, to_json(value)?)))
        .collect::<Result<_, Refusal>>()?;
    Ok(Json::Object(entries))
}

fn blob(mut map: BTreeMap<String, Value>) -> Result<Json, Refusal> {
    let fields = ["$type", "ref", "mimeType", "size"];
    if map.len() != fields.len() {
        return Err(Refusal::new("blob without exactly four fields"));
    }
    let mut entries = Vec::new();
    for field in fields {
        let value = map
            .remove(field)
            .ok_or_else(|| Refusal::new("blob field missing"))?;
        let value = to_json(value)?;
        let fits = match field {
            "ref" => matches!(value, Json::Link(_)),
            "size" => matches!(value, Json::Integer(0..)),
            _ => matches!(value, Json::Text(_)),
        };
        if !fits {
            return Err(Refusal::new("blob field of the wrong type"));
        }
        entries.push((field.to_owned(), value));
    }
    Ok(Json::Blob(entries))
}

/// Base64 as Go's `RawStdEncoding` reads it.
fn go_raw_base64() -> Result<Encoding, Refusal> {
    let mut spec = BASE64_NOPAD.specification();
    spec.check_trailing_bits = false;
    spec.ignore = "\r\n".to_owned();
    spec.encoding()
        .map_err(|error| Refusal::Other(error.to_string()))
}
