//! Reads messages of Jetstream v2 back into v1's JSON, so that one model judges both.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A message of v2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum V2Message {
    /// An event that v1 has as well.
    Event {
        /// Its position in the log.
        seq: u64,
        /// The JSON that v1 serves for it.
        v1: String,
    },
    /// A sync event, which v1 does not serve.
    Sync {
        /// Its position in the log.
        seq: u64,
        /// Its seq at the relay.
        relay_seq: u64,
        /// The JSON that v1 would serve for it.
        json: String,
    },
    /// Information about the stream: its name.
    Info(String),
    /// The error that ends the stream: its code and its text.
    Error(String, String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame<'a> {
    #[serde(rename = "$type")]
    kind: &'a str,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    error: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload<'a> {
    #[serde(rename = "$type")]
    kind: &'a str,
    did: &'a str,
    seq: u64,
    time: &'a str,
    rev: Option<&'a str>,
    operation: Option<&'a str>,
    collection: Option<&'a str>,
    rkey: Option<&'a str>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
    cid: Option<&'a str>,
    #[serde(borrow)]
    identity: Option<&'a RawValue>,
    #[serde(borrow)]
    account: Option<&'a RawValue>,
    #[serde(borrow)]
    sync: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Sync<'a> {
    did: &'a str,
    seq: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Info {
    #[serde(rename = "$type")]
    _kind: String,
    name: String,
    #[serde(rename = "message")]
    _message: Option<String>,
}

const TYPE: &str = "network.bsky.jetstream.subscribeEvents#";

/// Reads one message. Unknown keys are errors.
///
/// # Errors
/// When it is not a message of v2.
pub fn read_v2(message: &[u8]) -> Result<V2Message> {
    let frame: Frame<'_> = serde_json::from_slice(message)
        .with_context(|| format!("not a message of v2: {}", String::from_utf8_lossy(message)))?;
    match (frame.kind, frame.payload) {
        ("error", None) => Ok(V2Message::Error(
            frame.error.context("an error without a code")?,
            frame.message.unwrap_or_default(),
        )),
        ("message", Some(payload)) => read_payload(payload.get()),
        (other, _) => bail!("a message of type {other:?}"),
    }
}

fn read_payload(text: &str) -> Result<V2Message> {
    if text.contains(&format!("\"{TYPE}info\"")) && !text.contains("\"seq\"") {
        let info: Info = serde_json::from_str(text)?;
        return Ok(V2Message::Info(info.name));
    }
    let payload: Payload<'_> = serde_json::from_str(text).with_context(|| text.to_owned())?;
    let kind = payload.kind.strip_prefix(TYPE).context("a foreign type")?;
    let (seq, did) = (payload.seq, payload.did);
    let mut v1 = format!(
        r#"{{"did":"{did}","time_us":{},"kind":"{kind}","{kind}":"#,
        time_us(payload.time)?
    );
    match (kind, payload.identity, payload.account, payload.sync) {
        ("commit", None, None, None) => write_commit(&mut v1, &payload)?,
        ("identity", Some(object), None, None) | ("account", None, Some(object), None) => {
            v1.push_str(object.get());
        }
        ("sync", None, None, Some(object)) => {
            let sync: Sync<'_> = serde_json::from_str(object.get())?;
            ensure!(sync.did == did, "a sync event of two repos: {text}");
            v1.push_str(object.get());
            v1.push('}');
            return Ok(V2Message::Sync {
                seq,
                relay_seq: sync.seq,
                json: v1,
            });
        }
        _ => bail!("the fields do not fit the type: {text}"),
    }
    v1.push('}');
    Ok(V2Message::Event { seq, v1 })
}

fn write_commit(v1: &mut String, payload: &Payload<'_>) -> Result<()> {
    let field = |name: &str, value: Option<&str>| {
        let value = value.with_context(|| format!("a commit without {name}"))?;
        Ok::<_, anyhow::Error>(format!(r#""{name}":"{value}""#))
    };
    write!(
        v1,
        "{{{},{},{},{}",
        field("rev", payload.rev)?,
        field("operation", payload.operation)?,
        field("collection", payload.collection)?,
        field("rkey", payload.rkey)?
    )?;
    match (payload.record, payload.cid) {
        (Some(record), Some(cid)) => write!(v1, r#","record":{},"cid":"{cid}"}}"#, record.get())?,
        (None, None) => v1.push('}'),
        _ => bail!("a record without a CID, or the reverse"),
    }
    Ok(())
}

/// Exactly six digits, and `Z`.
fn time_us(text: &str) -> Result<u64> {
    ensure!(
        text.len() == "2023-11-14T22:13:20.000000Z".len() && text.ends_with('Z'),
        "a time in another form: {text}"
    );
    let time = OffsetDateTime::parse(text, &Rfc3339)?;
    Ok(u64::try_from(time.unix_timestamp_nanos() / 1000)?)
}

#[cfg(test)]
mod tests;
