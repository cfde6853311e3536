//! Event-stream frames: a header object and a body object, one behind the other.
//!
//! The fields of a commit are plain text here, because a damaged frame contains values that the types would reject.
//! Specification: <https://atproto.com/specs/event-stream> and the lexicon `com.atproto.sync.subscribeRepos`.

use bytes::Bytes;
use fanjet_event::Cid;

use super::{car, cbor};

/// The body of a `#commit`.
#[derive(Debug)]
pub(crate) struct CommitFrame {
    pub(crate) repo: String,
    pub(crate) rev: String,
    pub(crate) since: String,
    pub(crate) time: String,
    pub(crate) commit: Cid,
    pub(crate) prev_data: Cid,
    pub(crate) too_big: bool,
    pub(crate) ops: Vec<RepoOp>,
    pub(crate) blocks: Vec<(Cid, Vec<u8>)>,
    /// Replaces the CAR of these blocks.
    pub(crate) no_car: Option<Vec<u8>>,
}

/// One `#repoOp`.
#[derive(Debug)]
pub(crate) struct RepoOp {
    /// `None`: the key is omitted.
    pub(crate) action: Option<&'static str>,
    pub(crate) path: String,
    pub(crate) cid: Option<Cid>,
    pub(crate) prev: Option<Cid>,
}

impl CommitFrame {
    pub(crate) fn encode(&self, seq: u64) -> Bytes {
        let blocks = self.blocks.iter().map(|(cid, block)| (*cid, &**block));
        let blocks = match &self.no_car {
            None => car::write(self.commit, blocks),
            Some(bytes) => bytes.clone(),
        };
        let out = &mut Vec::with_capacity(blocks.len() + 512 + 192 * self.ops.len());
        header(out, "#commit");
        cbor::map(out, 12);
        cbor::text(out, "ops");
        cbor::array(out, self.ops.len());
        for op in &self.ops {
            let optional = [op.prev.is_some(), op.action.is_some()];
            cbor::map(
                out,
                2 + optional.into_iter().map(usize::from).sum::<usize>(),
            );
            cbor::text(out, "cid");
            cbor::link_or_null(out, op.cid);
            cbor::text(out, "path");
            cbor::text(out, &op.path);
            if let Some(prev) = op.prev {
                cbor::text(out, "prev");
                cbor::link(out, prev);
            }
            if let Some(action) = op.action {
                cbor::text(out, "action");
                cbor::text(out, action);
            }
        }
        cbor::text(out, "rev");
        cbor::text(out, &self.rev);
        cbor::text(out, "seq");
        cbor::unsigned(out, seq);
        cbor::text(out, "repo");
        cbor::text(out, &self.repo);
        cbor::text(out, "time");
        cbor::text(out, &self.time);
        cbor::text(out, "blobs");
        cbor::array(out, 0);
        cbor::text(out, "since");
        cbor::text(out, &self.since);
        cbor::text(out, "blocks");
        cbor::bytes(out, &blocks);
        cbor::text(out, "commit");
        cbor::link(out, self.commit);
        cbor::text(out, "rebase");
        cbor::boolean(out, false);
        cbor::text(out, "tooBig");
        cbor::boolean(out, self.too_big);
        cbor::text(out, "prevData");
        cbor::link(out, self.prev_data);
        std::mem::take(out).into()
    }
}

pub(crate) fn identity(seq: u64, did: &str, time: &str, handle: Option<&str>) -> Bytes {
    let mut out = Vec::with_capacity(192);
    header(&mut out, "#identity");
    subject(&mut out, seq, did, time, usize::from(handle.is_some()));
    if let Some(handle) = handle {
        cbor::text(&mut out, "handle");
        cbor::text(&mut out, handle);
    }
    out.into()
}

pub(crate) fn account(
    seq: u64,
    did: &str,
    time: &str,
    active: bool,
    status: Option<&str>,
) -> Bytes {
    let mut out = Vec::with_capacity(192);
    header(&mut out, "#account");
    subject(&mut out, seq, did, time, 1 + usize::from(status.is_some()));
    cbor::text(&mut out, "active");
    cbor::boolean(&mut out, active);
    if let Some(status) = status {
        cbor::text(&mut out, "status");
        cbor::text(&mut out, status);
    }
    out.into()
}

/// A `#sync`: the commit block alone.
pub(crate) fn sync(seq: u64, did: &str, time: &str, rev: &str, blocks: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(512);
    header(&mut out, "#sync");
    cbor::map(&mut out, 5);
    cbor::text(&mut out, "did");
    cbor::text(&mut out, did);
    cbor::text(&mut out, "rev");
    cbor::text(&mut out, rev);
    cbor::text(&mut out, "seq");
    cbor::unsigned(&mut out, seq);
    cbor::text(&mut out, "time");
    cbor::text(&mut out, time);
    cbor::text(&mut out, "blocks");
    cbor::bytes(&mut out, blocks);
    out.into()
}

/// A well-formed frame of an unknown type.
pub(crate) fn unknown(seq: u64, did: &str, time: &str) -> Bytes {
    let mut out = Vec::with_capacity(192);
    header(&mut out, "#futureEvent");
    subject(&mut out, seq, did, time, 0);
    out.into()
}

/// A `#info` frame; it has no seq.
pub(crate) fn info(name: &str, message: &str) -> Bytes {
    let mut out = Vec::with_capacity(128);
    header(&mut out, "#info");
    cbor::map(&mut out, 2);
    cbor::text(&mut out, "name");
    cbor::text(&mut out, name);
    cbor::text(&mut out, "message");
    cbor::text(&mut out, message);
    out.into()
}

/// An error frame: the last one of its connection.
pub(crate) fn error(error: &str, message: &str) -> Bytes {
    let mut out = Vec::with_capacity(128);
    cbor::map(&mut out, 1);
    cbor::text(&mut out, "op");
    cbor::integer(&mut out, -1);
    cbor::map(&mut out, 2);
    cbor::text(&mut out, "error");
    cbor::text(&mut out, error);
    cbor::text(&mut out, "message");
    cbor::text(&mut out, message);
    out.into()
}

pub(crate) fn header(out: &mut Vec<u8>, event_type: &str) {
    cbor::map(out, 2);
    cbor::text(out, "t");
    cbor::text(out, event_type);
    cbor::text(out, "op");
    cbor::unsigned(out, 1);
}

/// The common first fields of all bodies except a commit's, in a map with `more` further entries.
fn subject(out: &mut Vec<u8>, seq: u64, did: &str, time: &str, more: usize) {
    cbor::map(out, 3 + more);
    cbor::text(out, "did");
    cbor::text(out, did);
    cbor::text(out, "seq");
    cbor::unsigned(out, seq);
    cbor::text(out, "time");
    cbor::text(out, time);
}
