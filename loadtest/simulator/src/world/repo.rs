//! One account's repo: its tree, its revision, and the records that may change later.

mod live;

use std::collections::BTreeSet;

use fanjet_event::{Action, Cid, Did, Nsid, RecordKey, Tid};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::collections::Kind;
use super::commit;
use super::keys::AccountKey;
use super::mst::Mst;
use super::value::Value;
pub(crate) use live::Live;

/// A repo.
#[derive(Debug)]
pub(crate) struct Repo {
    mst: Mst,
    rev: Tid,
    data: Cid,
    commit: (Cid, Vec<u8>),
    clock_id: u16,
    last_key_us: u64,
    records: usize,
    records_at_start: usize,
    pub(crate) live: Live,
}

/// A requested change.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) kind: Kind,
    pub(crate) collection: Nsid,
    pub(crate) rkey: RecordKey,
    /// `None` deletes.
    pub(crate) record: Option<Value>,
}

/// A commit with all its blocks.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) rev: Tid,
    pub(crate) since: Tid,
    pub(crate) prev_data: Cid,
    pub(crate) cid: Cid,
    pub(crate) ops: Vec<Op>,
    /// Tree nodes, root first, then records, then the commit.
    pub(crate) blocks: Vec<(Cid, Vec<u8>)>,
}

/// One change of a commit.
#[derive(Debug)]
pub(crate) struct Op {
    pub(crate) write: Write,
    pub(crate) action: Action,
    pub(crate) cid: Option<Cid>,
    pub(crate) prev: Option<Cid>,
}

impl Write {
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.collection, self.rkey)
    }
}

impl Repo {
    /// Creates a repo that already has `records` records. Their contents were never published, so only their CIDs
    /// exist.
    pub(crate) fn bootstrap(
        did: &Did,
        key: &AccountKey,
        records: usize,
        before_us: u64,
        clock_id: u16,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let mut mst = Mst::default();
        let live = Live::bootstrap(records, before_us, clock_id, rng);
        for path in live.paths() {
            mst.insert(&path, unseen_cid(rng));
        }
        let rev = Tid::from_parts(before_us - 1_000_000, clock_id);
        let data = mst.root_cid();
        Self {
            commit: commit::sign(did, rev, data, key),
            mst,
            rev,
            data,
            clock_id,
            last_key_us: before_us,
            records,
            records_at_start: records,
            live,
        }
    }

    /// Whether the repo has outgrown its memory limit.
    pub(crate) fn is_overgrown(&self) -> bool {
        self.records > 4 * self.records_at_start + 256
    }

    /// Starts over with a new tree at a new revision, as after a restored backup.
    pub(crate) fn reset(&mut self, did: &Did, key: &AccountKey, now_us: u64, rng: &mut ChaCha8Rng) {
        let rev = self.next_rev(now_us);
        *self = Self::bootstrap(did, key, self.records_at_start, now_us, self.clock_id, rng);
        self.rev = rev;
        self.commit = commit::sign(did, rev, self.data, key);
    }

    /// A new record key.
    pub(crate) fn next_key(&mut self, now_us: u64) -> Tid {
        self.last_key_us = now_us.max(self.last_key_us + 1);
        Tid::from_parts(self.last_key_us, self.clock_id)
    }

    pub(crate) fn rev(&self) -> Tid {
        self.rev
    }

    /// The newest commit block.
    pub(crate) fn commit_block(&self) -> (Cid, &[u8]) {
        (self.commit.0, &self.commit.1)
    }

    /// Applies writes with different paths as one commit. `None` if none of them changes anything.
    pub(crate) fn commit(
        &mut self,
        did: &Did,
        key: &AccountKey,
        writes: Vec<Write>,
        now_us: u64,
    ) -> Option<Commit> {
        let mut records = Vec::with_capacity(writes.len() + 1);
        let ops: Vec<Op> = writes
            .into_iter()
            .filter_map(|write| self.apply(write, &mut records))
            .collect();
        if ops.is_empty() {
            return None;
        }
        let since = self.rev;
        let prev_data = self.data;
        self.rev = self.next_rev(now_us);

        let paths: BTreeSet<String> = ops.iter().map(|op| op.write.path()).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let mut blocks = Vec::with_capacity(12);
        self.mst.proof(&paths, &mut blocks);
        blocks.reverse();
        self.data = self.mst.root_cid();
        self.commit = commit::sign(did, self.rev, self.data, key);
        blocks.append(&mut records);
        blocks.push(self.commit.clone());
        Some(Commit {
            rev: self.rev,
            since,
            prev_data,
            cid: self.commit.0,
            ops,
            blocks,
        })
    }

    fn apply(&mut self, write: Write, records: &mut Vec<(Cid, Vec<u8>)>) -> Option<Op> {
        let path = write.path();
        let Some(record) = &write.record else {
            let prev = self.mst.remove(&path)?;
            self.records -= 1;
            return Some(Op {
                write,
                action: Action::Delete,
                cid: None,
                prev: Some(prev),
            });
        };
        let mut block = Vec::with_capacity(320);
        record.write_cbor(&mut block);
        let cid = Cid::of_dag_cbor(&block);
        let prev = self.mst.insert(&path, cid);
        if prev == Some(cid) {
            return None;
        }
        if prev.is_none() {
            self.records += 1;
            self.live.add(write.kind, &write.collection, &write.rkey);
        }
        if records.iter().all(|(known, _)| *known != cid) {
            records.push((cid, block));
        }
        Some(Op {
            action: if prev.is_some() {
                Action::Update
            } else {
                Action::Create
            },
            write,
            cid: Some(cid),
            prev,
        })
    }

    fn next_rev(&self, now_us: u64) -> Tid {
        Tid::from_parts(now_us.max(self.rev.time_us() + 1), self.clock_id)
    }
}

/// The CID of an unpublished record: a random digest.
pub(crate) fn unseen_cid(rng: &mut ChaCha8Rng) -> Cid {
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    Cid::of_dag_cbor(&seed)
}
