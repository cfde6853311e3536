//! An event's v1 JSON, cut into the slices that v2 puts into another order.

use fanjet_event::TimeUs;

use super::template::{ACCOUNT, DELETE, IDENTITY, RECORD, SYNC};
use crate::envelope::Envelope;
use crate::v1;

/// The parts of one event. Slices are without their quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut<'a> {
    pub(super) did: &'a [u8],
    pub(super) time: TimeUs,
    pub(super) body: Body<'a>,
    event_len: usize,
}

/// What differs by kind. The objects are complete, with their braces.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body<'a> {
    Commit(Commit<'a>),
    Identity(&'a [u8]),
    Account(&'a [u8]),
    Sync(&'a [u8]),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Commit<'a> {
    pub(super) rev: &'a [u8],
    pub(super) operation: &'a [u8],
    pub(super) collection: &'a [u8],
    pub(super) rkey: &'a [u8],
    /// The record's JSON and its CID; `None` for a delete.
    pub(super) record: Option<(&'a [u8], &'a [u8])>,
}

impl<'a> Cut<'a> {
    /// `None`: the bytes are not a stamped event.
    pub(super) fn of(event: &'a [u8]) -> Option<Self> {
        let envelope = Envelope::of(event)?;
        let rest = event.get(v1::time_offset(event)? + TimeUs::DIGITS..)?;
        // The brace of the event itself.
        let rest = rest.strip_prefix(br#","kind":""#)?.strip_suffix(b"}")?;
        let body = if let Some(commit) = rest.strip_prefix(br#"commit","commit":"#) {
            Body::Commit(Commit::of(commit)?)
        } else if let Some(object) = rest.strip_prefix(br#"identity","identity":"#) {
            Body::Identity(object)
        } else if let Some(object) = rest.strip_prefix(br#"account","account":"#) {
            Body::Account(object)
        } else {
            Body::Sync(rest.strip_prefix(br#"sync","sync":"#)?)
        };
        Some(Self {
            did: envelope.did.as_bytes(),
            time: envelope.time,
            body,
            event_len: event.len(),
        })
    }

    /// The length of its message.
    pub(super) fn json_len(&self, seq: u64) -> usize {
        let template = match self.body {
            Body::Commit(Commit { record: None, .. }) => &DELETE,
            Body::Commit(_) => &RECORD,
            Body::Identity(_) => &IDENTITY,
            Body::Account(_) => &ACCOUNT,
            Body::Sync(_) => &SYNC,
        };
        template.json_len(self.event_len, seq)
    }
}

impl<'a> Commit<'a> {
    /// The record may contain anything, so its end is found from the event's end, where the CID has a fixed form.
    fn of(object: &'a [u8]) -> Option<Self> {
        let (rev, rest) = text(object.strip_prefix(br#"{"rev":""#)?)?;
        let (operation, rest) = text(rest.strip_prefix(br#","operation":""#)?)?;
        let (collection, rest) = text(rest.strip_prefix(br#","collection":""#)?)?;
        let (rkey, rest) = text(rest.strip_prefix(br#","rkey":""#)?)?;
        let record = match rest {
            b"}" => None,
            rest => {
                let rest = rest
                    .strip_prefix(br#","record":"#)?
                    .strip_suffix(br#""}"#)?;
                let cid = rest.iter().rposition(|&byte| byte == b'"')? + 1;
                let (record, cid) = rest.split_at(cid);
                Some((record.strip_suffix(br#","cid":""#)?, cid))
            }
        };
        Some(Self {
            rev,
            operation,
            collection,
            rkey,
            record,
        })
    }
}

/// Splits behind a text that needs no escapes: every identifier of an event is one.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == b'"')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}
