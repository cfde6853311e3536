//! CAR v1, read strictly.

use std::collections::BTreeMap;

use cid::Cid;
use cid::multihash::Multihash;
use ipld_core::ipld::Ipld;
use sha2::{Digest, Sha256};

use super::{assert_canonical, field};

/// A CAR file whose blocks all have the right hash.
pub(crate) struct Car {
    pub(crate) root: Cid,
    pub(crate) blocks: BTreeMap<Cid, Vec<u8>>,
}

impl Car {
    pub(crate) fn parse(mut rest: &[u8]) -> Self {
        let header = take_section(&mut rest);
        let header: Ipld = serde_ipld_dagcbor::from_slice(header).expect("a CAR header");
        assert_eq!(field(&header, "version"), &Ipld::Integer(1));
        let Ipld::List(roots) = field(&header, "roots") else {
            panic!("no roots");
        };
        let [Ipld::Link(root)] = &roots[..] else {
            panic!("not one root");
        };
        let mut blocks = BTreeMap::new();
        while !rest.is_empty() {
            let section = take_section(&mut rest);
            let (cid, block) = section.split_at(36);
            let cid = Cid::try_from(cid).expect("a CID");
            let hash = Multihash::<64>::wrap(0x12, &Sha256::digest(block)).unwrap();
            assert_eq!(cid, Cid::new_v1(0x71, hash), "the block's hash");
            let value: Ipld = serde_ipld_dagcbor::from_slice(block).expect("DAG-CBOR");
            assert_canonical(&value, block);
            assert!(blocks.insert(cid, block.to_vec()).is_none(), "twice");
        }
        Self {
            root: *root,
            blocks,
        }
    }

    pub(crate) fn get(&self, cid: Cid) -> Option<Ipld> {
        let block = self.blocks.get(&cid)?;
        Some(serde_ipld_dagcbor::from_slice(block).expect("checked already"))
    }
}

fn take_section<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let mut length = 0;
    let mut shift = 0;
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
