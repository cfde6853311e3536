//! The expected events: what a correct consumer derives from a frame.

use fanjet_event::{Action, Cid, Did};
use serde::Serialize;

/// One expected event. A consumer that decodes, orders and deduplicates correctly yields exactly these, in this order:
/// operations damaged by a fault are not among them.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedEvent {
    /// The seq of the frame.
    pub relay_seq: u64,
    /// The index of the operation in its frame, from 0, damaged ones included. 0 for other kinds.
    pub op_index: u32,
    /// The number of operations in the frame, damaged ones included. 1 for other kinds.
    pub op_count: u32,
    /// The repo or account.
    pub did: Did,
    /// The frame's own time, verbatim.
    pub time: String,
    /// What happened.
    pub kind: ExpectedKind,
    /// The v1 JSON after `time_us`; `None` if v1 never serves it.
    pub(crate) json_rest: Option<String>,
}

/// The part of an event that depends on its kind.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpectedKind {
    /// One operation of a commit.
    Commit {
        /// The commit's revision.
        rev: String,
        /// The action.
        action: Action,
        /// The record's collection.
        collection: String,
        /// The record's key.
        rkey: String,
        /// The record's CID; `None` for a delete.
        cid: Option<Cid>,
    },
    /// An `#identity`.
    Identity {
        /// The handle, if the frame names it.
        handle: Option<String>,
    },
    /// An `#account`.
    Account {
        /// Whether the account is served.
        active: bool,
        /// The status, if the frame names one.
        status: Option<String>,
    },
    /// A `#sync`.
    Sync {
        /// The asserted revision.
        rev: String,
        /// The CAR bytes of the frame.
        blocks: Vec<u8>,
    },
}

impl ExpectedEvent {
    pub(crate) fn new(
        relay_seq: u64,
        (op_index, op_count): (u32, u32),
        did: Did,
        time: String,
        kind: ExpectedKind,
        json_rest: Option<String>,
    ) -> Self {
        Self {
            relay_seq,
            op_index,
            op_count,
            did,
            time,
            kind,
            json_rest,
        }
    }

    /// The event exactly as Jetstream v1 writes it, with the given `time_us`; `None` for `#sync`, which v1 never
    /// serves.
    pub fn v1_json(&self, time_us: u64) -> Option<String> {
        let rest = self.json_rest.as_ref()?;
        Some(format!(
            "{{\"did\":\"{}\",\"time_us\":{time_us}{rest}",
            self.did
        ))
    }

    /// The event as one line of JSON: its fields, and the text of [`Self::v1_json`] with `time_us` 0 as `v1`.
    pub fn to_line(&self) -> String {
        serde_json::to_string(&Line::from(self)).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Line<'a> {
    relay_seq: u64,
    op_index: u32,
    op_count: u32,
    did: &'a str,
    time: &'a str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rev: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rkey: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handle: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'a str>,
    v1: Option<String>,
}

impl<'a> From<&'a ExpectedEvent> for Line<'a> {
    fn from(event: &'a ExpectedEvent) -> Self {
        let mut line = Self {
            relay_seq: event.relay_seq,
            op_index: event.op_index,
            op_count: event.op_count,
            did: event.did.as_str(),
            time: &event.time,
            kind: "",
            rev: None,
            action: None,
            collection: None,
            rkey: None,
            cid: None,
            handle: None,
            active: None,
            status: None,
            v1: event.v1_json(0),
        };
        match &event.kind {
            ExpectedKind::Commit {
                rev,
                action,
                collection,
                rkey,
                cid,
            } => {
                line.kind = "commit";
                line.rev = Some(rev);
                line.action = Some(action.as_str());
                line.collection = Some(collection);
                line.rkey = Some(rkey);
                line.cid = cid.map(|cid| cid.to_string());
            }
            ExpectedKind::Identity { handle } => {
                line.kind = "identity";
                line.handle = handle.as_deref();
            }
            ExpectedKind::Account { active, status } => {
                line.kind = "account";
                line.active = Some(*active);
                line.status = status.as_deref();
            }
            ExpectedKind::Sync { rev, .. } => {
                line.kind = "sync";
                line.rev = Some(rev);
            }
        }
        line
    }
}
