//! at-kafka's own envelope.

use crate::event::{Account, Commit, Event, Identity, Sync, What};

/// What is known about an event's account.
#[derive(Debug, Clone, Copy)]
pub enum Metadata<'a> {
    /// `null`.
    Null,
    /// An object.
    Json(&'a [u8]),
}

/// What the stream itself has to say.
#[derive(Debug, Clone, Copy)]
pub struct Info<'a> {
    /// What it is, in letters and digits: `OutdatedCursor`.
    pub name: &'a str,
    /// In words.
    pub message: Option<&'a str>,
}

/// Appends an event. DIDs, times, NSIDs, record keys, revisions and CIDs need no escapes.
pub fn write_standard(out: &mut Vec<u8>, event: &Event<'_>, metadata: Metadata<'_>) {
    begin(out, event.did, event.timestamp, metadata);
    match &event.what {
        What::Commit(commit) => operation(out, event.did, commit),
        What::Account(found) => account(out, found),
        What::Identity(found) => identity(out, found),
        What::Sync(found) => sync(out, found),
    }
    out.extend_from_slice(b"}}");
}

/// Appends an info.
pub fn write_info(out: &mut Vec<u8>, info: &Info<'_>) {
    begin(out, "", "", Metadata::Null);
    out.extend_from_slice(br#""info":{"name":"#);
    text(out, info.name);
    if let Some(message) = info.message {
        out.extend_from_slice(br#","message":"#);
        text(out, message);
    }
    out.extend_from_slice(b"}}");
}

fn begin(out: &mut Vec<u8>, did: &str, timestamp: &str, metadata: Metadata<'_>) {
    pieces(out, &[r#"{"did":""#, did, r#"","timestamp":""#, timestamp]);
    out.extend_from_slice(br#"","eventMetadata":"#);
    match metadata {
        Metadata::Null => out.extend_from_slice(b"null"),
        Metadata::Json(json) => out.extend_from_slice(json),
    }
    out.push(b',');
}

fn operation(out: &mut Vec<u8>, did: &str, commit: &Commit<'_>) {
    let Commit {
        operation,
        collection,
        rkey,
        ..
    } = commit;
    pieces(out, &[r#""operation":{"action":""#, operation]);
    pieces(out, &[r#"","collection":""#, collection]);
    pieces(out, &[r#"","rkey":""#, rkey]);
    pieces(out, &[r#"","uri":"at://"#, did, "/", collection, "/", rkey]);
    pieces(out, &[r#"","cid":""#, commit.cid.unwrap_or("")]);
    pieces(out, &[r#"","path":""#, collection, "/", rkey]);
    let record = commit.record.map_or("null", |json| json.get());
    pieces(out, &[r#"","record":"#, record]);
}

fn account(out: &mut Vec<u8>, account: &Account<'_>) {
    let active = if account.active { "true" } else { "false" };
    pieces(out, &[r#""account":{"active":"#, active]);
    pieces(out, &[r#","seq":"#, &account.seq.to_string()]);
    if let Some(status) = account.status {
        pieces(out, &[r#","status":"#, status.get()]);
    }
}

fn identity(out: &mut Vec<u8>, identity: &Identity<'_>) {
    pieces(out, &[r#""identity":{"seq":"#, &identity.seq.to_string()]);
    let handle = identity.handle.map_or(r#""""#, |json| json.get());
    pieces(out, &[r#","handle":"#, handle]);
}

/// at-kafka has none; the shape follows its siblings.
fn sync(out: &mut Vec<u8>, sync: &Sync<'_>) {
    pieces(out, &[r#""sync":{"seq":"#, &sync.seq.to_string()]);
    pieces(out, &[r#","rev":""#, sync.rev, "\""]);
}

fn pieces(out: &mut Vec<u8>, pieces: &[&str]) {
    for piece in pieces {
        out.extend_from_slice(piece.as_bytes());
    }
}

/// A JSON string of any text.
fn text(out: &mut Vec<u8>, text: &str) {
    let json = serde_json::Value::from(text);
    pieces(out, &[&json.to_string()]);
}
