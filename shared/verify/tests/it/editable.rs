//! A commit frame taken apart with other packages than those under test, to be damaged and put together again.

use std::collections::BTreeMap;

use fanjet_event::Cid;
use ipld_core::ipld::Ipld;
use k256::ecdsa::signature::Signer as _;
use k256::ecdsa::{Signature, SigningKey};

type Map = BTreeMap<String, Ipld>;

/// A commit frame in pieces.
#[derive(Clone)]
pub(crate) struct Editable {
    pub(crate) header: Vec<u8>,
    pub(crate) body: Map,
    /// In the order of the CAR.
    pub(crate) blocks: Vec<(Cid, Vec<u8>)>,
}

impl Editable {
    /// `None` when the frame is no commit.
    pub(crate) fn take_apart(frame: &[u8]) -> Option<Self> {
        let mut reader = std::io::Cursor::new(frame);
        let header: Ipld = serde_ipld_dagcbor::de::from_reader_once(&mut reader).unwrap();
        let (header_bytes, body) = frame.split_at(reader.position() as usize);
        let Ipld::Map(header) = header else { panic!() };
        if header.get("t") != Some(&Ipld::String("#commit".to_owned())) {
            return None;
        }
        let Ipld::Map(body) = serde_ipld_dagcbor::from_slice(body).unwrap() else {
            panic!()
        };
        let Some(Ipld::Bytes(car)) = body.get("blocks") else {
            panic!()
        };
        let mut rest = &car[..];
        section(&mut rest);
        let mut blocks = Vec::new();
        while !rest.is_empty() {
            let (cid, block) = section(&mut rest).split_at(Cid::LEN);
            blocks.push((Cid::from_bytes(cid).unwrap(), block.to_vec()));
        }
        Some(Self {
            header: header_bytes.to_vec(),
            body,
            blocks,
        })
    }

    /// The frame's bytes; the CAR's root is the frame's commit.
    pub(crate) fn put_together(&self) -> Vec<u8> {
        let root = self.body["commit"].clone();
        let header = Ipld::Map(Map::from([
            ("roots".to_owned(), Ipld::List(vec![root])),
            ("version".to_owned(), Ipld::Integer(1)),
        ]));
        let mut car = Vec::new();
        write_section(&mut car, &[&encode(&header)]);
        for (cid, block) in &self.blocks {
            write_section(&mut car, &[&cid.to_bytes(), block]);
        }
        let mut body = self.body.clone();
        body.insert("blocks".to_owned(), Ipld::Bytes(car));
        [self.header.clone(), encode(&Ipld::Map(body))].concat()
    }

    pub(crate) fn did(&self) -> &str {
        let Ipld::String(did) = &self.body["repo"] else {
            panic!()
        };
        did
    }

    pub(crate) fn ops(&mut self) -> &mut Vec<Ipld> {
        let Some(Ipld::List(ops)) = self.body.get_mut("ops") else {
            panic!()
        };
        ops
    }

    pub(crate) fn op(&mut self, index: usize) -> &mut Map {
        let Ipld::Map(op) = &mut self.ops()[index] else {
            panic!()
        };
        op
    }

    pub(crate) fn commit_cid(&self) -> Cid {
        cid_of(&self.body["commit"])
    }

    pub(crate) fn block(&mut self, cid: Cid) -> &mut Vec<u8> {
        let found = self.blocks.iter_mut().find(|(known, _)| *known == cid);
        &mut found.expect("the block").1
    }

    pub(crate) fn commit_object(&mut self) -> Map {
        let cid = self.commit_cid();
        let Ipld::Map(commit) = serde_ipld_dagcbor::from_slice(self.block(cid)).unwrap() else {
            panic!()
        };
        commit
    }

    /// Replaces the commit object, and with it its CID.
    pub(crate) fn set_commit_object(&mut self, commit: Map) {
        let old = self.commit_cid();
        let block = encode(&Ipld::Map(commit));
        let cid = Cid::of_dag_cbor(&block);
        self.blocks.retain(|(known, _)| *known != old);
        self.blocks.push((cid, block));
        self.body.insert("commit".to_owned(), link(cid));
    }

    /// Changes the commit object and signs it again.
    pub(crate) fn resign(&mut self, key: &SigningKey, change: impl FnOnce(&mut Map)) {
        let mut commit = self.commit_object();
        change(&mut commit);
        commit.remove("sig");
        let signature: Signature = key.sign(&encode(&Ipld::Map(commit.clone())));
        commit.insert("sig".to_owned(), Ipld::Bytes(signature.to_bytes().to_vec()));
        self.set_commit_object(commit);
    }

    /// The CIDs of all tree nodes in the CAR, the root first.
    pub(crate) fn nodes(&mut self) -> Vec<Cid> {
        let root = cid_of(&self.commit_object()["data"]);
        let mut nodes: Vec<_> = self
            .blocks
            .iter()
            .filter(|(_, block)| {
                matches!(
                    serde_ipld_dagcbor::from_slice(block),
                    Ok(Ipld::Map(map)) if map.len() == 2 && map.contains_key("e") && map.contains_key("l")
                )
            })
            .map(|(cid, _)| *cid)
            .collect();
        nodes.sort_by_key(|cid| *cid != root);
        nodes
    }

    /// Replaces the root node, and signs the commit again.
    pub(crate) fn set_root_node(&mut self, key: &SigningKey, node: &Ipld) {
        let old = self.nodes()[0];
        let block = encode(node);
        let cid = Cid::of_dag_cbor(&block);
        self.blocks.retain(|(known, _)| *known != old);
        self.blocks.push((cid, block));
        self.resign(key, |commit| {
            drop(commit.insert("data".to_owned(), link(cid)))
        });
    }
}

pub(crate) fn encode(value: &Ipld) -> Vec<u8> {
    serde_ipld_dagcbor::to_vec(value).unwrap()
}

pub(crate) fn link(cid: Cid) -> Ipld {
    Ipld::Link(ipld_core::cid::Cid::try_from(&cid.to_bytes()[..]).unwrap())
}

pub(crate) fn cid_of(value: &Ipld) -> Cid {
    let Ipld::Link(cid) = value else {
        panic!("no link: {value:?}")
    };
    Cid::from_bytes(&cid.to_bytes()).unwrap()
}

fn section<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (mut length, mut shift) = (0, 0);
    loop {
        let byte = rest[0];
        *rest = &rest[1..];
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    let (section, behind) = rest.split_at(length);
    *rest = behind;
    section
}

fn write_section(out: &mut Vec<u8>, parts: &[&[u8]]) {
    let mut length: usize = parts.iter().map(|part| part.len()).sum();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    parts.iter().for_each(|part| out.extend_from_slice(part));
}
