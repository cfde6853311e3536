//! A strict Sync 1.1 verifier that shares nothing with the simulator except the protocol: generic CBOR and CID crates,
//! and a tree that is rebuilt by the definition of its shape instead of being edited.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses a part of this"
)]

mod car;
mod commit;
mod did_document;
mod partial_tree;

use std::collections::HashMap;

use cid::Cid;
use ipld_core::ipld::Ipld;
use k256::ecdsa::VerifyingKey;

pub(crate) use car::Car;
pub(crate) use commit::field;
pub(crate) use did_document::signing_key;

/// What the verifier knows about a repo.
#[derive(Debug, Clone, PartialEq)]
struct Head {
    rev: String,
    data: Cid,
}

/// Checks a stream frame by frame; panics at the first violation.
#[derive(Default)]
pub(crate) struct Verifier {
    pub(crate) keys: HashMap<String, VerifyingKey>,
    heads: HashMap<String, Head>,
    last_seq: i128,
    pub(crate) commits: usize,
    pub(crate) syncs: usize,
    pub(crate) blocks: usize,
}

/// A decoded frame.
pub(crate) struct Frame {
    pub(crate) op: i128,
    pub(crate) event_type: String,
    pub(crate) body: Ipld,
}

impl Frame {
    /// Decodes header and body; `None` if the bytes are not a frame.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = std::io::Cursor::new(bytes);
        let header: Ipld = serde_ipld_dagcbor::de::from_reader_once(&mut reader).ok()?;
        let body = &bytes[reader.position() as usize..];
        let event_type = match field(&header, "t") {
            Ipld::String(event_type) => event_type.clone(),
            _ => String::new(),
        };
        let Ipld::Integer(op) = field(&header, "op") else {
            return None;
        };
        Some(Self {
            op: *op,
            event_type,
            body: serde_ipld_dagcbor::from_slice(body).ok()?,
        })
    }

    pub(crate) fn seq(&self) -> Option<u64> {
        match field(&self.body, "seq") {
            Ipld::Integer(seq) => u64::try_from(*seq).ok(),
            _ => None,
        }
    }
}

impl Verifier {
    pub(crate) fn frame(&mut self, bytes: &[u8]) {
        let frame = Frame::decode(bytes).expect("a frame");
        assert_eq!(frame.op, 1);
        assert_canonical(
            &frame.body,
            &bytes[bytes.len() - encoded(&frame.body).len()..],
        );
        let seq = i128::from(frame.seq().expect("a seq"));
        assert!(seq > self.last_seq, "seq {seq} behind {}", self.last_seq);
        self.last_seq = seq;
        match frame.event_type.as_str() {
            "#commit" => self.commit(&frame.body),
            "#sync" => self.sync(&frame.body),
            "#identity" | "#account" => {}
            other => panic!("unexpected {other}"),
        }
    }

    fn sync(&mut self, body: &Ipld) {
        let did = commit::text(body, "did");
        let rev = commit::text(body, "rev");
        let car = Car::parse(commit::bytes(body, "blocks"));
        assert_eq!(car.blocks.len(), 1);
        let data = commit::verify(&car, car.root, did, rev, self.keys.get(did));
        if let Some(head) = self.heads.get(did) {
            assert!(rev >= head.rev.as_str());
        }
        let rev = rev.to_owned();
        self.heads.insert(did.to_owned(), Head { rev, data });
        self.syncs += 1;
    }

    fn commit(&mut self, body: &Ipld) {
        let did = commit::text(body, "repo");
        let rev = commit::text(body, "rev");
        assert_eq!(field(body, "tooBig"), &Ipld::Bool(false));
        assert_eq!(field(body, "rebase"), &Ipld::Bool(false));
        let car = Car::parse(commit::bytes(body, "blocks"));
        assert_eq!(car.root, commit::link(body, "commit"));
        let data = commit::verify(&car, car.root, did, rev, self.keys.get(did));
        let prev_data = commit::link(body, "prevData");
        if let Some(head) = self.heads.get(did) {
            assert_eq!(commit::text(body, "since"), head.rev, "since");
            assert_eq!(prev_data, head.data, "prevData is the data before");
        }
        assert!(rev > commit::text(body, "since"), "rev increases");
        commit::verify_operations(&car, data, prev_data, body);
        self.blocks += car.blocks.len();
        let rev = rev.to_owned();
        self.heads.insert(did.to_owned(), Head { rev, data });
        self.commits += 1;
    }
}

fn encoded(value: &Ipld) -> Vec<u8> {
    serde_ipld_dagcbor::to_vec(value).expect("encodable")
}

/// DAG-CBOR has one encoding only; another encoder must produce the same bytes.
fn assert_canonical(value: &Ipld, bytes: &[u8]) {
    assert_eq!(encoded(value), bytes, "canonical DAG-CBOR");
}
