//! The signed commit of a frame: the root of the repo's tree. The signature itself is not checked.

use fanjet_event::{Cid, Codec};

use crate::blocks::{Blocks, Mismatch};
use crate::cbor::{Item, Reader};
use crate::error::SignedError;

/// The root of the tree that a frame's commit object signs. The object must be the CAR's root and the frame's `commit`,
/// and match the frame's repo and rev.
pub(crate) fn data(
    commit: Option<Cid>,
    repo: &str,
    rev: &str,
    blocks: &Blocks<'_>,
) -> Result<Cid, SignedError> {
    let root = blocks
        .root()
        .filter(|root| root.codec() == Codec::DagCbor)
        .filter(|root| commit.is_none_or(|commit| commit == *root))
        .ok_or(SignedError::WrongRoot)?;
    let block = blocks
        .matching(root)
        .map_err(|Mismatch| SignedError::CommitMismatch)?
        .ok_or(SignedError::MissingCommit)?;
    let object = Object::read(block).ok_or(SignedError::MalformedCommit)?;
    if object.did != repo {
        return Err(SignedError::WrongDid);
    }
    // Objects of version 2 need not have one.
    if object.rev.is_some_and(|of_object| of_object != rev) {
        return Err(SignedError::WrongRev);
    }
    Ok(object.data)
}

/// The fields of a commit object.
struct Object<'a> {
    did: &'a str,
    rev: Option<&'a str>,
    data: Cid,
}

impl<'a> Object<'a> {
    fn read(block: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(block);
        let Item::Map(entries) = reader.item().ok()? else {
            return None;
        };
        let (mut did, mut rev, mut data, mut version) = (None, None, None, None);
        for _ in 0..entries {
            let is_second = match reader.key().ok()? {
                b"did" => did.replace(reader.item().ok()?.text()?).is_some(),
                b"rev" => rev.replace(reader.item().ok()?.text()?).is_some(),
                b"data" => data.replace(reader.item().ok()?.cid()?).is_some(),
                b"version" => version.replace(reader.item().ok()?.unsigned()?).is_some(),
                _ => {
                    reader.skip(2).ok()?;
                    false
                }
            };
            if is_second {
                return None;
            }
        }
        let is_known = match version? {
            2 => true,
            3 => rev.is_some(),
            _ => false,
        };
        (reader.is_at_end() && is_known).then_some(())?;
        Some(Self {
            did: did?,
            rev,
            data: data?,
        })
    }
}
