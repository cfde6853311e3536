//! One node's block: `{"e": [{"k", "p", "t", "v"}...], "l"}`, strictly in its canonical form.

use fanjet_event::Cid;
use fanjet_firehose::cbor::{Item, Reader};

use crate::Refusal;

/// A node; keys are still compressed.
pub(super) struct Node<'a> {
    /// The subtree before the first key.
    pub(super) left: Option<Cid>,
    pub(super) entries: Vec<NodeEntry<'a>>,
}

/// A key with its record, and the subtree after it.
pub(super) struct NodeEntry<'a> {
    /// How many bytes it shares with the key before.
    pub(super) shared: usize,
    pub(super) rest: &'a [u8],
    pub(super) value: Cid,
    pub(super) right: Option<Cid>,
}

/// An entry without its key's bytes: head, four keys of two bytes, a link, and the least for the others.
const LEAST_ENTRY: usize = 53;

impl<'a> Node<'a> {
    pub(super) fn read(block: &'a [u8]) -> Result<Self, Refusal> {
        Self::parse(block).ok_or(Refusal::MalformedNode)
    }

    fn parse(block: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(block);
        expect_map(&mut reader, 2)?;
        expect_key(&mut reader, b"e")?;
        let Item::Array(count) = reader.item().ok()? else {
            return None;
        };
        let mut entries = Vec::with_capacity(count.min(block.len() / LEAST_ENTRY));
        for _ in 0..count {
            entries.push(NodeEntry::parse(&mut reader)?);
        }
        expect_key(&mut reader, b"l")?;
        let left = reader.item().ok()?.nullable(Item::cid)?;
        reader.is_at_end().then_some(Self { left, entries })
    }
}

impl<'a> NodeEntry<'a> {
    fn parse(reader: &mut Reader<'a>) -> Option<Self> {
        expect_map(reader, 4)?;
        expect_key(reader, b"k")?;
        let rest = reader.item().ok()?.bytes()?;
        expect_key(reader, b"p")?;
        let shared = usize::try_from(reader.item().ok()?.unsigned()?).ok()?;
        expect_key(reader, b"t")?;
        let right = reader.item().ok()?.nullable(Item::cid)?;
        expect_key(reader, b"v")?;
        let value = reader.item().ok()?.cid()?;
        Some(Self {
            shared,
            rest,
            value,
            right,
        })
    }
}

fn expect_map(reader: &mut Reader<'_>, entries: usize) -> Option<()> {
    (reader.item().ok()? == Item::Map(entries)).then_some(())
}

fn expect_key(reader: &mut Reader<'_>, key: &[u8]) -> Option<()> {
    (reader.key().ok()? == key).then_some(())
}
