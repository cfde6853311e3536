//! The messages of Jetstream v2's `network.bsky.jetstream.subscribeEvents`.
//!
//! A message is assembled from slices of the stored v1 JSON: the record is copied and never parsed. Keys are in
//! alphabetical order behind `$type`, as the reference server writes them. The seq is the position in the log, the time
//! is the log time; the identity, account and sync objects are those of the upstream, with its own seq and time.

mod template;
mod cut;
mod time;
mod notices;

use fanjet_json::write_u64;

use crate::websocket::{header_len, put_text_header};

use cut::{Body, Cut};
use template::head;

pub use notices::{ErrorCode, close, error, outdated_cursor};
pub use template::json_len;
pub use time::{TIME_LEN, rfc3339};

/// The name of the endpoint, which is also the start of every payload's type.
pub const SUBSCRIBE_EVENTS: &str = "network.bsky.jetstream.subscribeEvents";

/// The only subprotocol that can be agreed on.
pub const SUBPROTOCOL: &str = "xrpc.v1.json";

/// Appends the message of a stamped event. Returns `false`, and appends nothing, when `event` is not an event as
/// [`v1`](crate::v1) writes it: in our own log, corruption.
#[must_use]
pub fn put_json(out: &mut Vec<u8>, event: &[u8], seq: u64) -> bool {
    let Some(cut) = Cut::of(event) else {
        return false;
    };
    put_cut(out, &cut, seq);
    true
}

/// The finished frame of one text message. `None` as [`put_json`] returns `false`.
pub fn text_message(event: &[u8], seq: u64) -> Option<Box<[u8]>> {
    let cut = Cut::of(event)?;
    let len = cut.json_len(seq);
    let mut message = Vec::with_capacity(header_len(len) + len);
    put_text_header(&mut message, len);
    put_cut(&mut message, &cut, seq);
    Some(message.into_boxed_slice())
}

fn put_cut(out: &mut Vec<u8>, cut: &Cut<'_>, seq: u64) {
    match cut.body {
        Body::Commit(commit) => {
            put(out, &[head!("commit").as_bytes()]);
            if let Some((_, cid)) = commit.record {
                put(out, &[br#""cid":""#, cid, br#"","#]);
            }
            put(out, &[br#""collection":""#, commit.collection]);
            put(out, &[br#"","did":""#, cut.did]);
            put(out, &[br#"","operation":""#, commit.operation, br#"","#]);
            if let Some((record, _)) = commit.record {
                put(out, &[br#""record":"#, record, b","]);
            }
            put(out, &[br#""rev":""#, commit.rev, br#"","rkey":""#]);
            put(out, &[commit.rkey, br#"","#]);
            put_seq(out, seq);
        }
        Body::Identity(object) => {
            put(out, &[head!("identity").as_bytes()]);
            put(out, &[br#""did":""#, cut.did, br#"","identity":"#]);
            put(out, &[object, b","]);
            put_seq(out, seq);
        }
        Body::Account(object) => {
            put(out, &[head!("account").as_bytes()]);
            put(out, &[br#""account":"#, object, br#","did":""#]);
            put(out, &[cut.did, br#"","#]);
            put_seq(out, seq);
        }
        Body::Sync(object) => {
            put(out, &[head!("sync").as_bytes()]);
            put(out, &[br#""did":""#, cut.did, br#"","#]);
            put_seq(out, seq);
            put(out, &[br#","sync":"#, object]);
        }
    }
    put(out, &[br#","time":""#, &rfc3339(cut.time), br#""}}"#]);
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

fn put_seq(out: &mut Vec<u8>, seq: u64) {
    out.extend_from_slice(br#""seq":"#);
    write_u64(out, seq);
}

#[cfg(test)]
mod tests;
