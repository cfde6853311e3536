//! The operations of a commit as the frame lists them.

use fanjet_event::{Action, Cid, Codec};

use crate::cbor::{CborError, Item, Reader};
use crate::error::OpError;

/// The `ops` of a commit, parsed one by one when they are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ops<'a> {
    count: u32,
    /// The array's elements, validated as CBOR.
    elements: &'a [u8],
}

impl<'a> Ops<'a> {
    /// Number of operations.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Skips the array; `None` if the value is not an array.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Option<Self>, CborError> {
        let Item::Array(count) = reader.item()? else {
            return Ok(None);
        };
        let start = reader.position();
        for _ in 0..count {
            reader.skip(3)?;
        }
        Ok(u32::try_from(count).ok().map(|count| Self {
            count,
            elements: reader.since(start),
        }))
    }

    /// The operations in order, as listed in the frame: an invalid one is an [`OpError`] at its index.
    pub fn listed(&self) -> impl Iterator<Item = Result<ListedOp<'a>, OpError>> + use<'a> {
        self.iter()
    }

    pub(crate) fn iter(&self) -> OpsIter<'a> {
        OpsIter {
            reader: Reader::new(self.elements),
        }
    }
}

/// One operation as listed, before its record is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedOp<'a> {
    /// What happened to the record.
    pub action: Action,
    /// `<collection>/<rkey>`, neither of them checked for syntax.
    pub path: &'a str,
    /// The path before the `/`.
    pub collection: &'a str,
    /// The path behind the `/`.
    pub rkey: &'a str,
    /// The CID of the record; `None` for a delete.
    pub cid: Option<Cid>,
    /// The CID of the previous record; `None` if there is none, or none of a blessed format. Serving does not need it.
    pub prev: Option<Cid>,
}

#[derive(Debug, Clone)]
pub(crate) struct OpsIter<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for OpsIter<'a> {
    type Item = Result<ListedOp<'a>, OpError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.is_at_end() {
            return None;
        }
        let element = self.reader;
        let Some(fields) = Fields::read(&mut self.reader) else {
            self.reader = element;
            // It was skipped without an error when the frame was decoded, so this cannot fail.
            self.reader.skip(3).ok()?;
            return Some(Err(OpError::Malformed));
        };
        Some(fields.check())
    }
}

#[derive(Default)]
struct Fields<'a> {
    action: Option<&'a str>,
    path: Option<&'a str>,
    cid: Option<Item<'a>>,
    prev: Option<Item<'a>>,
}

impl<'a> Fields<'a> {
    /// `None` unless the value is a map with each known key at most once and with texts where required.
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let Item::Map(entries) = reader.item().ok()? else {
            return None;
        };
        let mut fields = Self::default();
        for _ in 0..entries {
            let before = match reader.key().ok()? {
                b"action" => fields.action.replace(reader.item().ok()?.text()?).is_some(),
                b"path" => fields.path.replace(reader.item().ok()?.text()?).is_some(),
                b"cid" => {
                    let mut value = *reader;
                    reader.skip(4).ok()?;
                    fields.cid.replace(value.item().ok()?).is_some()
                }
                b"prev" => {
                    let mut value = *reader;
                    reader.skip(4).ok()?;
                    fields.prev = value.item().ok();
                    false
                }
                _ => {
                    reader.skip(4).ok()?;
                    false
                }
            };
            if before {
                return None;
            }
        }
        Some(fields)
    }

    fn check(self) -> Result<ListedOp<'a>, OpError> {
        let (Some(action), Some(path)) = (self.action, self.path) else {
            return Err(OpError::Malformed);
        };
        let action = Action::parse(action).ok_or(OpError::UnknownAction)?;
        let (collection, rkey) = path.split_once('/').ok_or(OpError::InvalidPath)?;
        if rkey.contains('/') {
            return Err(OpError::InvalidPath);
        }
        let cid = match (action, self.cid) {
            (Action::Delete, _) => None,
            (_, None | Some(Item::Null)) => return Err(OpError::MissingCid),
            (_, Some(item)) => {
                let is_record = |cid: &Cid| cid.codec() == Codec::DagCbor;
                Some(item.cid().filter(is_record).ok_or(OpError::InvalidCid)?)
            }
        };
        Ok(ListedOp {
            action,
            path,
            prev: self.prev.and_then(Item::cid),
            collection,
            rkey,
            cid,
        })
    }
}
