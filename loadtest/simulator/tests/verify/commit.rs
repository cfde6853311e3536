//! A commit: its signature, and its operations against the trees before and after.

use std::collections::BTreeSet;

use cid::Cid;
use ipld_core::ipld::Ipld;
use k256::ecdsa::signature::Verifier as _;
use k256::ecdsa::{Signature, VerifyingKey};

use super::partial_tree::PartialTree;
use super::{Car, encoded};

pub(crate) fn field<'a>(value: &'a Ipld, key: &str) -> &'a Ipld {
    match value {
        Ipld::Map(map) => map.get(key).unwrap_or(&Ipld::Null),
        _ => &Ipld::Null,
    }
}

pub(crate) fn text<'a>(value: &'a Ipld, key: &str) -> &'a str {
    match field(value, key) {
        Ipld::String(text) => text,
        other => panic!("{key} is {other:?}"),
    }
}

pub(crate) fn bytes<'a>(value: &'a Ipld, key: &str) -> &'a [u8] {
    match field(value, key) {
        Ipld::Bytes(bytes) => bytes,
        other => panic!("{key} is {other:?}"),
    }
}

pub(crate) fn link(value: &Ipld, key: &str) -> Cid {
    optional_link(value, key).unwrap_or_else(|| panic!("no {key}"))
}

pub(crate) fn optional_link(value: &Ipld, key: &str) -> Option<Cid> {
    match field(value, key) {
        Ipld::Link(cid) => Some(*cid),
        Ipld::Null => None,
        other => panic!("{key} is {other:?}"),
    }
}

/// Checks the commit block; returns its `data`.
pub(crate) fn verify(car: &Car, cid: Cid, did: &str, rev: &str, key: Option<&VerifyingKey>) -> Cid {
    let commit = car.get(cid).expect("the commit block");
    assert_eq!(text(&commit, "did"), did);
    assert_eq!(text(&commit, "rev"), rev);
    assert_eq!(field(&commit, "version"), &Ipld::Integer(3));
    assert_eq!(field(&commit, "prev"), &Ipld::Null);
    if let Some(key) = key {
        let signature = Signature::from_slice(bytes(&commit, "sig")).expect("a signature");
        assert_eq!(signature.normalize_s(), signature, "low S");
        let Ipld::Map(mut unsigned) = commit.clone() else {
            panic!("the commit is no map");
        };
        unsigned.remove("sig");
        key.verify(&encoded(&Ipld::Map(unsigned)), &signature)
            .expect("the signature is the account's");
    }
    link(&commit, "data")
}

/// Checks that the tree matches the operations, and that undoing them yields `prev_data`.
pub(crate) fn verify_operations(car: &Car, data: Cid, prev_data: Cid, body: &Ipld) {
    let Ipld::List(ops) = field(body, "ops") else {
        panic!("no operations");
    };
    assert!(!ops.is_empty());
    let (mut tree, nodes) = PartialTree::load(car, data);
    assert_eq!(
        tree.root(),
        Ok(data),
        "the tree in the CAR has its canonical shape"
    );

    let mut used: BTreeSet<Cid> = nodes;
    used.insert(car.root);
    let mut paths = BTreeSet::new();
    for op in ops {
        let path = text(op, "path");
        assert!(paths.insert(path), "{path} twice in one commit");
        let cid = optional_link(op, "cid");
        assert_eq!(tree.get(path), Ok(cid), "{path} in the tree");
        if let Some(cid) = cid {
            assert!(car.blocks.contains_key(&cid), "{path} has its record");
            used.insert(cid);
        }
        let prev = optional_link(op, "prev");
        match text(op, "action") {
            "create" => assert!(cid.is_some() && prev.is_none()),
            "update" => assert!(cid.is_some() && prev.is_some() && prev != cid),
            "delete" => assert!(cid.is_none() && prev.is_some()),
            other => panic!("action {other}"),
        }
    }
    let carried: BTreeSet<Cid> = car.blocks.keys().copied().collect();
    assert_eq!(
        carried, used,
        "the CAR holds what is needed and nothing else"
    );

    for op in ops.iter().rev() {
        let path = text(op, "path");
        tree.set(path, optional_link(op, "prev"))
            .expect("a complete proof");
    }
    assert_eq!(tree.root(), Ok(prev_data), "undoing the operations");
}
