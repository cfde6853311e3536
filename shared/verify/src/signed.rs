//! The commit object: its fields, and the bytes that were signed.

use fanjet_event::Cid;
use fanjet_firehose::cbor::{Item, Reader};

use crate::Refusal;

/// A commit object of version 3, borrowing from its block.
#[derive(Debug, Clone)]
pub(crate) struct Signed<'a> {
    pub(crate) did: &'a str,
    pub(crate) rev: &'a str,
    /// The root of the tree.
    pub(crate) data: Cid,
    pub(crate) signature: &'a [u8],
    /// The object without `sig`, which is the signed message.
    pub(crate) message: Vec<u8>,
}

impl<'a> Signed<'a> {
    /// Parses a commit block. Keys must be in canonical order: the signature is over the canonical form, and removing
    /// one entry leaves it canonical. Unknown keys are part of the signed message.
    pub(crate) fn read(block: &'a [u8]) -> Result<Self, Refusal> {
        Self::fields(block).ok_or(Refusal::MalformedCommit)
    }

    fn fields(block: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(block);
        let Item::Map(entries) = reader.item().ok()? else {
            return None;
        };
        let (mut did, mut rev, mut data, mut version, mut signature) =
            (None, None, None, None, None);
        let mut message = Vec::with_capacity(block.len());
        // A map of up to 23 entries has a head of one byte.
        message.push(
            0xa0 | u8::try_from(entries.checked_sub(1)?)
                .ok()
                .filter(|n| *n < 23)?,
        );
        let mut before: Option<&[u8]> = None;
        for _ in 0..entries {
            let start = reader.position();
            let key = reader.key().ok()?;
            if before.is_some_and(|before| (before.len(), before) >= (key.len(), key)) {
                return None;
            }
            before = Some(key);
            match key {
                b"did" => did = Some(reader.item().ok()?.text()?),
                b"rev" => rev = Some(reader.item().ok()?.text()?),
                b"data" => data = Some(reader.item().ok()?.cid()?),
                b"version" => version = Some(reader.item().ok()?.unsigned()?),
                b"sig" => {
                    signature = Some(reader.item().ok()?.bytes()?);
                    continue;
                }
                _ => {
                    std::str::from_utf8(key).ok()?;
                    reader.skip(2).ok()?;
                }
            }
            message.extend_from_slice(reader.since(start));
        }
        (reader.is_at_end() && version == Some(3)).then_some(())?;
        Some(Self {
            did: did?,
            rev: rev?,
            data: data?,
            signature: signature?,
            message,
        })
    }
}
