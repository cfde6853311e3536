//! One event as one readable line.
//!
//! Events are untrusted. Nothing here recurses, long texts are cut, and no text can control the terminal.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::terminal::printable;

/// Longest text of a record that is shown, in characters.
const TEXT: usize = 60;
/// Longest name of an account or a collection that is shown: as long as the longest handle.
const NAME: usize = 253;
/// Longest word that is shown, such as a kind or an operation.
const WORD: usize = 30;

#[derive(Deserialize)]
struct Event<'a> {
    time_us: u64,
    #[serde(borrow, default)]
    did: Text<'a>,
    #[serde(borrow, default)]
    kind: Text<'a>,
    #[serde(borrow)]
    commit: Option<Commit<'a>>,
    #[serde(borrow)]
    identity: Option<Identity<'a>>,
    #[serde(borrow)]
    account: Option<Account<'a>>,
}

#[derive(Deserialize)]
struct Commit<'a> {
    #[serde(borrow, default)]
    operation: Text<'a>,
    #[serde(borrow, default)]
    collection: Text<'a>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow, default)]
    handle: Text<'a>,
}

#[derive(Deserialize)]
struct Account<'a> {
    #[serde(borrow, default)]
    active: Text<'a>,
}

/// The fields that describe a record.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, default)]
    text: Text<'a>,
    #[serde(borrow, default, rename = "displayName")]
    display_name: Text<'a>,
    #[serde(borrow, default)]
    subject: Text<'a>,
}

/// The target of a record.
#[derive(Deserialize)]
struct Subject<'a> {
    #[serde(borrow, default)]
    uri: Text<'a>,
}

/// Any JSON in place of a text, unparsed.
#[derive(Clone, Copy, Default, Deserialize)]
struct Text<'a>(#[serde(borrow)] Option<&'a RawValue>);

impl<'a> Text<'a> {
    fn get(self) -> Option<Cow<'a, str>> {
        /// A text with escapes cannot be borrowed.
        #[derive(Deserialize)]
        struct Escaped<'a>(#[serde(borrow)] Cow<'a, str>);
        let Escaped(text) = serde_json::from_str(self.0?.get()).ok()?;
        Some(text)
    }

    fn shown(self, chars: usize) -> String {
        self.get()
            .map_or_else(|| "?".to_owned(), |text| printable(&text, chars))
    }
}

/// A message of v2.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    payload: Payload<'a>,
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow, rename = "$type")]
    kind: Text<'a>,
    #[serde(borrow)]
    time: Text<'a>,
    #[serde(borrow, default)]
    did: Text<'a>,
    #[serde(borrow, default)]
    operation: Text<'a>,
    #[serde(borrow, default)]
    collection: Text<'a>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
    #[serde(borrow)]
    identity: Option<Identity<'a>>,
    #[serde(borrow)]
    account: Option<Account<'a>>,
}

/// `None` if it is neither JSON with a `time_us` nor a message of v2. `handles`: also shows the handle that an account claims,
/// unverified.
pub(crate) fn line(event: &[u8], handles: bool) -> Option<String> {
    v1_line(event, handles).or_else(|| v2_line(event, handles))
}

fn v2_line(message: &[u8], handles: bool) -> Option<String> {
    let Message { payload } = serde_json::from_slice(message).ok()?;
    let kind = payload.kind.get()?;
    let kind = kind.rsplit('#').next().unwrap_or_default();
    let what = match (kind, &payload.identity, &payload.account) {
        ("commit", ..) => commit(&Commit {
            operation: payload.operation,
            collection: payload.collection,
            record: payload.record,
        }),
        ("identity", Some(it), _) => identity(it, handles),
        ("account", _, Some(it)) => account(it),
        (other, ..) => printable(other, WORD),
    };
    let time = payload.time.get()?;
    // As `clock` shows it.
    let clock = printable(time.get(11..23)?, WORD);
    let did = payload.did.shown(NAME);
    Some(format!("{clock}  {did:<32}  {what}"))
}

fn v1_line(event: &[u8], handles: bool) -> Option<String> {
    let event: Event<'_> = serde_json::from_slice(event).ok()?;
    let did = event.did.shown(NAME);
    let what = match (event.kind.get().as_deref(), &event) {
        (
            Some("commit"),
            Event {
                commit: Some(it), ..
            },
        ) => commit(it),
        (
            Some("account"),
            Event {
                account: Some(it), ..
            },
        ) => account(it),
        (
            Some("identity"),
            Event {
                identity: Some(it), ..
            },
        ) => identity(it, handles),
        _ => event.kind.shown(WORD),
    };
    Some(format!("{}  {did:<32}  {what}", clock(event.time_us)))
}

fn account(account: &Account<'_>) -> String {
    let active = account.active.0.map_or("null", RawValue::get);
    format!("account  active={}", printable(active, WORD))
}

fn identity(identity: &Identity<'_>, handles: bool) -> String {
    let handle = identity
        .handle
        .get()
        .filter(|_| handles)
        .unwrap_or_default();
    let line = format!("identity {}", printable(&handle, NAME));
    line.trim_end().to_owned()
}

fn commit(commit: &Commit<'_>) -> String {
    let (operation, collection) = (commit.operation.shown(WORD), commit.collection.shown(NAME));
    let detail = commit.record.and_then(summary).unwrap_or_default();
    format!("{operation:<7}  {collection:<28}  {detail}")
        .trim_end()
        .to_owned()
}

/// A summary of a record: its text, its name, or its target.
fn summary(record: &RawValue) -> Option<String> {
    let record: Record<'_> = serde_json::from_str(record.get()).ok()?;
    let subject = || {
        let subject: Subject<'_> = serde_json::from_str(record.subject.0?.get()).ok()?;
        subject.uri.get()
    };
    let found = record
        .text
        .get()
        .or_else(|| record.display_name.get())
        .or_else(subject)
        .or_else(|| record.subject.get())?;
    Some(printable(&found, TEXT))
}

/// `hh:mm:ss.mmm`, UTC.
fn clock(time_us: u64) -> String {
    let ms = time_us / 1_000;
    let (s, m, h) = (ms / 1_000 % 60, ms / 60_000 % 60, ms / 3_600_000 % 24);
    format!("{h:02}:{m:02}:{s:02}.{:03}", ms % 1_000)
}

#[cfg(test)]
mod tests;
