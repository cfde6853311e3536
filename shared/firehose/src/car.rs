//! CAR v1: a header and sections of a CID with its block, sliced without copying.

use fanjet_event::Cid;

use crate::cbor::{Item, Reader};
use crate::error::CarError;

/// The first bytes of the two CID formats that a repo's blocks may have.
const BLESSED: [[u8; 4]; 2] = [[0x01, 0x71, 0x12, 0x20], [0x01, 0x55, 0x12, 0x20]];

/// A CID in its binary form, and the bytes of its block.
pub(crate) type Block<'a> = (&'a [u8; Cid::LEN], &'a [u8]);

/// The sections after a validated header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sections<'a> {
    rest: &'a [u8],
}

impl<'a> Sections<'a> {
    /// Validates the header: DAG-CBOR with version 1 and at least one root, each of them a CID. Returns the first root,
    /// which is the only one that ATProto uses.
    pub(crate) fn open(car: &'a [u8]) -> Result<(Self, Option<Cid>), CarError> {
        let mut sections = Self::unopened(car);
        let header = sections.section()?.ok_or(CarError::Truncated)?;
        let root = check_header(header)?;
        Ok((sections, root))
    }

    /// All sections, the header being the first.
    pub(crate) fn unopened(car: &'a [u8]) -> Self {
        Self { rest: car }
    }

    /// The next block under a CID of a blessed format; others are skipped.
    #[inline]
    pub(crate) fn next_block(&mut self) -> Result<Option<Block<'a>>, CarError> {
        while let Some(section) = self.section()? {
            if section.is_empty() {
                return Err(CarError::EmptySection);
            }
            if let Some((cid, block)) = section.split_first_chunk::<{ Cid::LEN }>()
                && BLESSED.iter().any(|head| cid.starts_with(head))
            {
                return Ok(Some((cid, block)));
            }
        }
        Ok(None)
    }

    #[inline]
    pub(crate) fn section(&mut self) -> Result<Option<&'a [u8]>, CarError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (len, rest) = varint(self.rest)?;
        let len = usize::try_from(len).map_err(|_| CarError::Truncated)?;
        let (section, rest) = rest.split_at_checked(len).ok_or(CarError::Truncated)?;
        self.rest = rest;
        Ok(Some(section))
    }
}

/// Validates a header. Returns its first root if that has a blessed format.
fn check_header(header: &[u8]) -> Result<Option<Cid>, CarError> {
    let mut reader = Reader::new(header);
    let (version, root) = read_header(&mut reader).ok_or(CarError::InvalidHeader)?;
    match version {
        _ if !reader.is_at_end() => Err(CarError::InvalidHeader),
        1 => Ok(root),
        _ => Err(CarError::UnsupportedVersion),
    }
}

/// The version of a header that has one, and the first of at least one root.
fn read_header(reader: &mut Reader<'_>) -> Option<(u64, Option<Cid>)> {
    let Item::Map(entries) = reader.item().ok()? else {
        return None;
    };
    let (mut version, mut roots) = (None, None);
    for _ in 0..entries {
        let key = reader.key().ok()?;
        let fresh = match key {
            b"version" => version.replace(reader.item().ok()?.unsigned()?).is_none(),
            b"roots" => roots.replace(read_roots(reader)?).is_none(),
            _ => {
                std::str::from_utf8(key).ok()?;
                reader.skip(2).ok()?;
                true
            }
        };
        if !fresh {
            return None;
        }
    }
    let first = roots??;
    version.map(|version| (version, first))
}

/// Reads a list of roots. `None`: it is invalid. `Some(None)`: it is empty. `Some(Some(None))`: its first root does not have a blessed
/// format.
fn read_roots(reader: &mut Reader<'_>) -> Option<Option<Option<Cid>>> {
    let Item::Array(count) = reader.item().ok()? else {
        return None;
    };
    let mut first = None;
    for _ in 0..count {
        let Item::Link(root) = reader.item().ok()? else {
            return None;
        };
        let blessed = Cid::from_bytes(root);
        if blessed.is_none() && cid::Cid::try_from(root).is_err() {
            return None;
        }
        first = first.or(Some(blessed));
    }
    Some(first)
}

/// Parses an unsigned LEB128 number of at most 64 bits in its shortest form. Returns it and the rest of the bytes.
#[inline]
fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), CarError> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && byte > 1 {
            return Err(CarError::InvalidLength);
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            if byte == 0 && index > 0 {
                return Err(CarError::InvalidLength);
            }
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(CarError::Truncated)
}

#[cfg(test)]
mod tests;
