//! A record: DAG-CBOR to the JSON of Jetstream v1, without a tree in between.
//!
//! DAG-CBOR sorts the keys of a map by length and then bytes, v1 by bytes alone, so a map's entries are noted, sorted
//! and only then written. To note them, nested values must be skipped; [`Containers`] remembers the end of each one, so
//! that no byte is skipped more than once however deeply it is nested.

mod limits;
mod containers;
mod link;
mod map;

use fanjet_json::{write_base64, write_f64, write_i64, write_lossy_str, write_u64};

use crate::cbor::{Item, Reader};
use crate::error::RecordError;
use containers::Containers;
use limits::{MAX_ELEMENTS, MAX_KEY, MAX_RECORD};

pub use limits::MAX_RECORD_LEVELS;

/// Appends a record as Jetstream v1 writes it.
///
/// Keys are sorted by their UTF-8 bytes, except in blobs (`$type`, `ref`, `mimeType`, `size`); links are
/// `{"$link":...}`, byte strings `{"$bytes":...}` without padding; strings are escaped for HTML as well.
///
/// # Errors
/// [`RecordError`] when the record has no such form; `out` is then as long as it was.
pub fn write_record_json(record: &[u8], out: &mut Vec<u8>) -> Result<(), RecordError> {
    write_record_json_within(usize::MAX, record, out)
}

/// As [`write_record_json`], but stops when the JSON gets longer than `max` bytes: one byte of a record can become
/// fourteen.
///
/// # Errors
/// [`RecordError::JsonTooLarge`], and those of [`write_record_json`]; `out` is then as long as it was.
pub fn write_record_json_within(
    max: usize,
    record: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), RecordError> {
    let start = out.len();
    let result = write_record(record, out, start.saturating_add(max));
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn write_record(record: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), RecordError> {
    if record.len() > MAX_RECORD {
        return Err(RecordError::TooLarge);
    }
    let mut reader = Reader::new(record);
    let item = reader.item()?;
    if !matches!(item, Item::Map(_)) {
        return Err(RecordError::NotAMap);
    }
    let mut writer = Writer {
        reader,
        containers: Containers::default(),
        out,
        limit,
    };
    let kind = writer.write(item, 0)?;
    if !writer.reader.is_at_end() {
        return Err(RecordError::TrailingBytes);
    }
    writer.check_limit()?;
    match kind {
        Kind::Map => Ok(()),
        Kind::Link | Kind::Other => Err(RecordError::NotAMap),
    }
}

/// What kind of value was written, as far as the caller needs it.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// A map that is neither a blob nor a `$link` nor `$bytes`.
    Map,
    Link,
    Other,
}

struct Writer<'a, 'o> {
    reader: Reader<'a>,
    containers: Containers,
    out: &'o mut Vec<u8>,
    /// Maximum length of `out`.
    limit: usize,
}

impl<'a> Writer<'a, '_> {
    /// Writes the value whose head has just been read. `inner` is the number of the first container inside it, if it is
    /// one. Leaves the reader behind the value.
    fn write(&mut self, item: Item<'a>, inner: usize) -> Result<Kind, RecordError> {
        self.check_limit()?;
        match item {
            Item::Text(text) => write_lossy_str(self.out, text),
            Item::Map(entries) => return self.write_map(entries, inner),
            Item::Array(elements) => self.write_array(elements, inner)?,
            Item::Link(cid) => {
                link::write_link(self.out, cid)?;
                return Ok(Kind::Link);
            }
            Item::Unsigned(value) if i64::try_from(value).is_ok() => write_u64(self.out, value),
            Item::Negative(value) => {
                let value = i64::try_from(value).map_err(|_| RecordError::OutOfRange)?;
                write_i64(self.out, -1 - value);
            }
            Item::Unsigned(_) => return Err(RecordError::OutOfRange),
            Item::Bytes(bytes) => {
                self.out.extend_from_slice(br#"{"$bytes":""#);
                write_base64(self.out, bytes);
                self.out.extend_from_slice(br#""}"#);
            }
            Item::Bool(true) => self.out.extend_from_slice(b"true"),
            Item::Bool(false) => self.out.extend_from_slice(b"false"),
            Item::Null => self.out.extend_from_slice(b"null"),
            Item::Float(value) => {
                // The reader lets finite numbers through only, and those are always written.
                let _finite = write_f64(self.out, value);
            }
        }
        Ok(Kind::Other)
    }

    #[inline]
    fn check_limit(&self) -> Result<(), RecordError> {
        if self.out.len() <= self.limit {
            Ok(())
        } else {
            Err(RecordError::JsonTooLarge)
        }
    }

    fn write_array(&mut self, elements: usize, inner: usize) -> Result<(), RecordError> {
        let mut container = inner;
        self.out.push(b'[');
        for index in 0..elements {
            if index > 0 {
                self.out.push(b',');
            }
            let item = self.reader.item()?;
            self.write(item, container + 1)?;
            if item.is_container() {
                container = self.containers.after(container);
            }
        }
        self.out.push(b']');
        Ok(())
    }
}

#[cfg(test)]
mod tests;
