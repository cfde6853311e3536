//! Signed commit objects, version 3. Specification: <https://atproto.com/specs/repository#commit-objects>.

use fanjet_event::{Cid, Did, Tid};

use super::cbor;
use super::keys::AccountKey;

/// Signs the state `data` of a repo; returns the commit block.
pub(crate) fn sign(did: &Did, rev: Tid, data: Cid, key: &AccountKey) -> (Cid, Vec<u8>) {
    let signature = key.sign(&encode(did, rev, data, None));
    let block = encode(did, rev, data, Some(&signature));
    (Cid::of_dag_cbor(&block), block)
}

fn encode(did: &Did, rev: Tid, data: Cid, signature: Option<&[u8; 64]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(224);
    cbor::map(&mut out, 5 + usize::from(signature.is_some()));
    cbor::text(&mut out, "did");
    cbor::text(&mut out, did.as_str());
    cbor::text(&mut out, "rev");
    cbor::text(&mut out, &rev.to_string());
    if let Some(signature) = signature {
        cbor::text(&mut out, "sig");
        cbor::bytes(&mut out, signature);
    }
    cbor::text(&mut out, "data");
    cbor::link(&mut out, data);
    cbor::text(&mut out, "prev");
    cbor::null(&mut out);
    cbor::text(&mut out, "version");
    cbor::unsigned(&mut out, 3);
    out
}
