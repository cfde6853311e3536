//! The JSON of Jetstream v1: one object per event, which is also the message body in the log.
//!
//! Key order and escapes are fixed by what production v1 serves. The four `write_*` functions append one event
//! each; `time_us` is left as [`UNSET_TIME`] so that decoding can run ahead of the sequencer, which stamps the
//! final digits in place with [`stamp`].

mod head;

use fanjet_event::{Action, Cid, Datetime, Did, Nsid, RecordKey, Tid};
use fanjet_json::{write_base64, write_str, write_u64};

use head::{DID_KEY, TIME_KEY};
pub use head::{UNSET_TIME, stamp};
pub(crate) use head::{did_bytes, time_offset};

/// One operation of a commit.
#[derive(Debug, Clone, Copy)]
pub struct CommitHead<'a> {
    /// The repo.
    pub did: Did<&'a str>,
    /// The revision that the commit created.
    pub rev: Tid,
    /// What the operation did to the record.
    pub action: Action,
    /// The record's collection.
    pub collection: Nsid<&'a str>,
    /// The record's key.
    pub rkey: RecordKey<&'a str>,
}

/// Starts a commit event: everything before the record. The caller appends the record's JSON and calls [`end_commit`];
/// a delete has no record and needs [`end_delete`].
pub fn begin_commit(out: &mut Vec<u8>, head: &CommitHead<'_>) {
    begin(out, head.did, "commit");
    out.extend_from_slice(br#"{"rev":""#);
    out.extend_from_slice(&head.rev.encode());
    out.extend_from_slice(br#"","operation":""#);
    out.extend_from_slice(head.action.as_str().as_bytes());
    out.extend_from_slice(br#"","collection":""#);
    out.extend_from_slice(head.collection.as_str().as_bytes());
    out.extend_from_slice(br#"","rkey":""#);
    out.extend_from_slice(head.rkey.as_str().as_bytes());
    out.push(b'"');
    if head.action != Action::Delete {
        out.extend_from_slice(br#","record":"#);
    }
}

/// Ends a create or update after its record.
pub fn end_commit(out: &mut Vec<u8>, cid: Cid) {
    out.extend_from_slice(br#","cid":""#);
    out.extend_from_slice(&cid.encode());
    out.extend_from_slice(br#""}}"#);
}

/// Ends a delete.
pub fn end_delete(out: &mut Vec<u8>) {
    out.extend_from_slice(b"}}");
}

/// An identity event. `seq` is the relay's.
pub fn write_identity(
    out: &mut Vec<u8>,
    did: Did<&str>,
    handle: Option<&str>,
    seq: u64,
    time: Datetime<&str>,
) {
    begin(out, did, "identity");
    out.extend_from_slice(br#"{"did":""#);
    out.extend_from_slice(did.as_str().as_bytes());
    out.push(b'"');
    if let Some(handle) = handle {
        out.extend_from_slice(br#","handle":"#);
        write_str(out, handle);
    }
    write_seq_and_time(out, seq, None, time);
}

/// An account event. `seq` is the relay's.
pub fn write_account(
    out: &mut Vec<u8>,
    did: Did<&str>,
    active: bool,
    status: Option<&str>,
    seq: u64,
    time: Datetime<&str>,
) {
    begin(out, did, "account");
    out.extend_from_slice(br#"{"active":"#);
    out.extend_from_slice(if active { b"true" } else { b"false" });
    out.extend_from_slice(br#","did":""#);
    out.extend_from_slice(did.as_str().as_bytes());
    out.push(b'"');
    write_seq_and_time(out, seq, status, time);
}

/// A sync event: kept in the log, never served on `/subscribe`. v1 has no such event; its form follows the other kinds.
/// `seq` is the relay's.
pub fn write_sync(
    out: &mut Vec<u8>,
    did: Did<&str>,
    rev: Tid,
    blocks: &[u8],
    seq: u64,
    time: Datetime<&str>,
) {
    begin(out, did, "sync");
    out.extend_from_slice(br#"{"blocks":{"$bytes":""#);
    write_base64(out, blocks);
    out.extend_from_slice(br#""},"did":""#);
    out.extend_from_slice(did.as_str().as_bytes());
    out.extend_from_slice(br#"","rev":""#);
    out.extend_from_slice(&rev.encode());
    out.push(b'"');
    write_seq_and_time(out, seq, None, time);
}

fn begin(out: &mut Vec<u8>, did: Did<&str>, kind: &str) {
    out.extend_from_slice(DID_KEY);
    out.extend_from_slice(did.as_str().as_bytes());
    out.extend_from_slice(TIME_KEY);
    out.extend_from_slice(UNSET_TIME);
    out.extend_from_slice(br#","kind":""#);
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(br#"",""#);
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(br#"":"#);
}

fn write_seq_and_time(out: &mut Vec<u8>, seq: u64, status: Option<&str>, time: Datetime<&str>) {
    out.extend_from_slice(br#","seq":"#);
    write_u64(out, seq);
    if let Some(status) = status {
        out.extend_from_slice(br#","status":"#);
        write_str(out, status);
    }
    out.extend_from_slice(br#","time":""#);
    out.extend_from_slice(time.as_str().as_bytes());
    out.extend_from_slice(br#""}}"#);
}

#[cfg(test)]
mod tests;
