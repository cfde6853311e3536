//! An event before it is encoded, as a good frame or a damaged one.

mod damage;

use fanjet_event::{Did, Tid};
use rand_chacha::ChaCha8Rng;

use super::frame::{self, CommitFrame, RepoOp};
use super::json;
use super::produced::ProducedFrame;
use super::repo::{Commit, Op};
use crate::expected::{ExpectedEvent, ExpectedKind};
use crate::faults::FaultKind;

/// One event.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) did: Did,
    /// The frame's `time`.
    pub(super) time: String,
    pub(super) kind: DraftKind,
}

#[derive(Debug)]
pub(super) enum DraftKind {
    Commit(Commit),
    Identity {
        handle: Option<String>,
    },
    Account {
        active: bool,
        status: Option<&'static str>,
    },
    Sync {
        rev: Tid,
        blocks: Vec<u8>,
    },
}

impl Draft {
    /// Whether the fault fits this event.
    pub(super) fn can_have(&self, fault: FaultKind) -> bool {
        match &self.kind {
            DraftKind::Commit(commit) => {
                !fault.needs_record() || commit.ops.iter().any(|op| op.cid.is_some())
            }
            _ => !fault.needs_commit(),
        }
    }

    /// The good frame.
    pub(super) fn finish(&self, seq: u64) -> ProducedFrame {
        let did = self.did.as_str();
        let (bytes, expected) = match &self.kind {
            DraftKind::Commit(commit) => (
                self.commit_frame(commit).encode(seq),
                self.expected_ops(seq, commit, |_| true),
            ),
            DraftKind::Identity { handle } => (
                frame::identity(seq, did, &self.time, handle.as_deref()),
                vec![self.expected_identity(seq, handle.clone())],
            ),
            DraftKind::Account { active, status } => (
                frame::account(seq, did, &self.time, *active, *status),
                vec![self.expected_account(seq, *active, *status)],
            ),
            DraftKind::Sync { rev, blocks } => {
                let rev = rev.to_string();
                let bytes = frame::sync(seq, did, &self.time, &rev, blocks);
                let kind = ExpectedKind::Sync {
                    rev,
                    blocks: blocks.clone(),
                };
                (bytes, vec![self.expected(seq, (0, 1), kind, None)])
            }
        };
        ProducedFrame {
            seq,
            bytes,
            expected,
            fault: None,
            drops: 0,
        }
    }

    /// The frame with a fault in it. Only for faults that [`Self::can_have`] allows, and that damage bytes.
    pub(super) fn finish_damaged(
        &self,
        seq: u64,
        fault: FaultKind,
        rng: &mut ChaCha8Rng,
    ) -> ProducedFrame {
        let DraftKind::Commit(commit) = &self.kind else {
            return self.finish(seq);
        };
        let mut wire = self.commit_frame(commit);
        let lost = damage::apply(&mut wire, fault, rng);
        let mut bytes = wire.encode(seq);
        if fault == FaultKind::Truncated {
            bytes.truncate(damage::cut(bytes.len(), rng));
        }
        ProducedFrame {
            seq,
            bytes,
            expected: self.expected_ops(seq, commit, |index| !lost.contains(index)),
            fault: Some(fault),
            drops: lost.drops(),
        }
    }

    fn commit_frame(&self, commit: &Commit) -> CommitFrame {
        let op = |op: &Op| RepoOp {
            action: Some(op.action.as_str()),
            path: op.write.path(),
            cid: op.cid,
            prev: op.prev,
        };
        CommitFrame {
            repo: self.did.as_str().to_owned(),
            rev: commit.rev.to_string(),
            since: commit.since.to_string(),
            time: self.time.clone(),
            commit: commit.cid,
            prev_data: commit.prev_data,
            too_big: false,
            ops: commit.ops.iter().map(op).collect(),
            blocks: commit.blocks.clone(),
            no_car: None,
        }
    }

    fn expected_ops(
        &self,
        seq: u64,
        commit: &Commit,
        survives: impl Fn(usize) -> bool,
    ) -> Vec<ExpectedEvent> {
        let count = commit.ops.len() as u32;
        let ops = commit.ops.iter().enumerate();
        ops.filter(|(index, _)| survives(*index))
            .map(|(index, op)| self.expected_op(seq, (index as u32, count), commit, op))
            .collect()
    }

    fn expected_op(&self, seq: u64, place: (u32, u32), commit: &Commit, op: &Op) -> ExpectedEvent {
        let (rev, action) = (commit.rev.to_string(), op.action);
        let (collection, rkey) = (&op.write.collection, &op.write.rkey);
        let mut rest = format!(
            ",\"kind\":\"commit\",\"commit\":{{\"rev\":\"{rev}\",\"operation\":\"{}\",\"collection\":\"{collection}\",\"rkey\":\"{rkey}\"",
            action.as_str()
        );
        if let (Some(record), Some(cid)) = (&op.write.record, op.cid) {
            rest.push_str(",\"record\":");
            json::write_value(&mut rest, record);
            rest.push_str(&format!(",\"cid\":\"{cid}\""));
        }
        rest.push_str("}}");
        let kind = ExpectedKind::Commit {
            rev,
            action,
            collection: collection.to_string(),
            rkey: rkey.to_string(),
            cid: op.cid,
        };
        self.expected(seq, place, kind, Some(rest))
    }

    fn expected_identity(&self, seq: u64, handle: Option<String>) -> ExpectedEvent {
        let mut rest = format!(
            ",\"kind\":\"identity\",\"identity\":{{\"did\":\"{}\"",
            self.did
        );
        if let Some(handle) = &handle {
            rest.push_str(",\"handle\":");
            json::write_text(&mut rest, handle);
        }
        rest.push_str(&format!(",\"seq\":{seq},\"time\":\"{}\"}}}}", self.time));
        self.expected(seq, (0, 1), ExpectedKind::Identity { handle }, Some(rest))
    }

    fn expected_account(&self, seq: u64, active: bool, status: Option<&str>) -> ExpectedEvent {
        let mut rest = format!(
            ",\"kind\":\"account\",\"account\":{{\"active\":{active},\"did\":\"{}\",\"seq\":{seq}",
            self.did
        );
        if let Some(status) = status {
            rest.push_str(",\"status\":");
            json::write_text(&mut rest, status);
        }
        rest.push_str(&format!(",\"time\":\"{}\"}}}}", self.time));
        let status = status.map(str::to_owned);
        self.expected(
            seq,
            (0, 1),
            ExpectedKind::Account { active, status },
            Some(rest),
        )
    }

    fn expected(
        &self,
        seq: u64,
        place: (u32, u32),
        kind: ExpectedKind,
        json_rest: Option<String>,
    ) -> ExpectedEvent {
        ExpectedEvent::new(
            seq,
            place,
            self.did.clone(),
            self.time.clone(),
            kind,
            json_rest,
        )
    }
}
