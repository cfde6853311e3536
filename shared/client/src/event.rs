//! One event, raw and typed.

use std::borrow::Cow;

use bytes::Bytes;
use fanjet_wire::envelope::Envelope;
use serde::Deserialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// An event's JSON, and its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    json: Bytes,
    time_us: u64,
    /// Where a client resumes that has it: the time, or in v2 the seq.
    position: u64,
}

impl Event {
    /// `None` if it has no time.
    pub(crate) fn of(json: Bytes) -> Option<Self> {
        let time_us = time_us(&json)?;
        Some(Self {
            json,
            time_us,
            position: time_us,
        })
    }

    /// A message of v2.
    pub(crate) fn of_v2(json: Bytes) -> Result<Self, NoEvent> {
        let message: V2Message<'_> = serde_json::from_slice(&json)
            .map_err(|error| NoEvent::Foreign(format!("not a message of v2: {error}")))?;
        let text = message
            .message
            .or_else(|| message.payload.as_ref()?.message.clone())
            .filter(|_| matches!(message.kind.as_deref(), Some("message" | "error")));
        let event = message.payload.and_then(|payload| {
            let time = OffsetDateTime::parse(&payload.time?, &Rfc3339).ok()?;
            let time_us = u64::try_from(time.unix_timestamp_nanos() / 1000).ok()?;
            Some((time_us, payload.seq?))
        });
        match event {
            Some((time_us, position)) => Ok(Self {
                json,
                time_us,
                position,
            }),
            None => Err(match text {
                Some(text) => NoEvent::Notice(text.into_owned()),
                None => NoEvent::Foreign("a message without seq and time".to_owned()),
            }),
        }
    }

    /// Where a client resumes that has it.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Its cursor: a client that reconnects with it gets this event and all later ones.
    pub fn time_us(&self) -> u64 {
        self.time_us
    }

    /// The JSON as received.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// Parses it. The record is not parsed, however large or deep it is.
    ///
    /// # Errors
    /// When it is not the JSON of an event.
    pub fn parse(&self) -> serde_json::Result<ParsedEvent<'_>> {
        let body: Body<'_> = serde_json::from_slice(&self.json)?;
        let what = match body {
            Body {
                commit: Some(commit),
                ..
            } => What::Commit(commit),
            Body {
                identity: Some(identity),
                ..
            } => What::Identity(identity),
            Body {
                account: Some(account),
                ..
            } => What::Account(account),
            Body { kind, .. } => What::Other(kind),
        };
        Ok(ParsedEvent {
            did: body.did,
            time_us: body.time_us,
            what,
        })
    }
}
/// A parsed event.
#[derive(Debug, Clone)]
pub struct ParsedEvent<'a> {
    /// The repo.
    pub did: Cow<'a, str>,
    /// When the server received it, in Unix microseconds; also its cursor.
    pub time_us: u64,
    /// What happened.
    pub what: What<'a>,
}

/// What happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum What<'a> {
    /// A record was written or deleted.
    Commit(Commit<'a>),
    /// An account's identity may have changed.
    Identity(Identity<'a>),
    /// An account was activated, deactivated, taken down, deleted.
    Account(Account<'a>),
    /// An unknown kind, with its `kind`.
    Other(Cow<'a, str>),
}

/// One operation of a commit.
#[derive(Debug, Clone, Deserialize)]
pub struct Commit<'a> {
    /// The revision of the repo.
    #[serde(borrow)]
    pub rev: Cow<'a, str>,
    /// `create`, `update` or `delete`.
    #[serde(borrow)]
    pub operation: Cow<'a, str>,
    /// The record's collection.
    #[serde(borrow)]
    pub collection: Cow<'a, str>,
    /// The record's key.
    #[serde(borrow)]
    pub rkey: Cow<'a, str>,
    /// The record as JSON; `None` in a delete.
    #[serde(borrow)]
    pub record: Option<&'a RawValue>,
    /// The record's CID; `None` in a delete.
    #[serde(borrow)]
    pub cid: Option<Cow<'a, str>>,
}

impl<'a> Commit<'a> {
    /// The record as a type of the caller's; `None` in a delete. Records are untrusted, so an error is nothing unusual.
    pub fn record_as<T: Deserialize<'a>>(&self) -> Option<serde_json::Result<T>> {
        self.record.map(|record| serde_json::from_str(record.get()))
    }
}

/// An account's identity.
#[derive(Debug, Clone, Deserialize)]
pub struct Identity<'a> {
    /// The handle, as the account claims it.
    #[serde(borrow)]
    pub handle: Option<Cow<'a, str>>,
    /// The upstream's seq.
    pub seq: Option<u64>,
    /// The upstream's time.
    #[serde(borrow)]
    pub time: Option<Cow<'a, str>>,
}

/// An account's state.
#[derive(Debug, Clone, Deserialize)]
pub struct Account<'a> {
    /// Whether its repo may be shown.
    pub active: bool,
    /// The reason if it may not.
    #[serde(borrow)]
    pub status: Option<Cow<'a, str>>,
    /// The upstream's seq.
    pub seq: Option<u64>,
    /// The upstream's time.
    #[serde(borrow)]
    pub time: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    did: Cow<'a, str>,
    time_us: u64,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    commit: Option<Commit<'a>>,
    #[serde(borrow)]
    identity: Option<Identity<'a>>,
    #[serde(borrow)]
    account: Option<Account<'a>>,
}

/// A message of v2 that is not an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoEvent {
    /// What the server says about its stream.
    Notice(String),
    /// Not of a v2 server; described.
    Foreign(String),
}

/// A message of v2: an event, or a text about the stream.
#[derive(Deserialize)]
struct V2Message<'a> {
    #[serde(borrow, rename = "$type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payload: Option<V2Payload<'a>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct V2Payload<'a> {
    seq: Option<u64>,
    #[serde(borrow)]
    time: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
}

/// Extracts the time from the start of an event as Jetstream servers write it.
pub(crate) fn time_at_beginning(json: &[u8]) -> Option<u64> {
    Envelope::of(json).map(|envelope| envelope.time.get())
}

/// The same, for any JSON.
fn time_us(json: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Timed {
        time_us: u64,
    }
    time_at_beginning(json).or_else(|| Some(serde_json::from_slice::<Timed>(json).ok()?.time_us))
}

#[cfg(test)]
mod tests;
