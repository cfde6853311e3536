//! Maps: sorted keys, and the four shapes that `$` keys give them.

use smallvec::SmallVec;

use super::{Kind, MAX_ELEMENTS, MAX_KEY, Writer, link};
use crate::cbor::{CborError, Item};
use crate::error::RecordError;
use fanjet_json::write_str;

type Entries<'a> = SmallVec<[Entry<'a>; 12]>;

/// One entry that is noted but not yet written.
#[derive(Clone, Copy)]
struct Entry<'a> {
    key: &'a str,
    item: Item<'a>,
    /// Position behind the value's head.
    at: u32,
    /// The value's number, if it is a container.
    container: u32,
}

impl<'a> Writer<'a, '_> {
    /// Writes a map whose head has just been read.
    pub(super) fn write_map(&mut self, count: usize, inner: usize) -> Result<Kind, RecordError> {
        let mut entries = Entries::new();
        self.note_entries(count, inner, &mut entries)?;
        let end = self.reader.position();
        sort(&mut entries)?;
        let kind = self.write_shape(&entries)?;
        self.reader.seek(end);
        Ok(kind)
    }

    fn note_entries(
        &mut self,
        count: usize,
        inner: usize,
        entries: &mut Entries<'a>,
    ) -> Result<(), RecordError> {
        if count > MAX_ELEMENTS {
            return Err(RecordError::TooLarge);
        }
        let mut container = inner;
        for _ in 0..count {
            let key = self.reader.key()?;
            if key.len() > MAX_KEY {
                return Err(RecordError::TooLarge);
            }
            let key = std::str::from_utf8(key).map_err(|_| CborError::Key)?;
            let item = self.reader.item()?;
            // Records are at most 1 MiB, so positions and numbers fit.
            entries.push(Entry {
                key,
                item,
                at: self.reader.position() as u32,
                container: container as u32,
            });
            container = self.containers.skip(item, &mut self.reader, container)?;
        }
        Ok(())
    }

    fn write_shape(&mut self, entries: &[Entry<'a>]) -> Result<Kind, RecordError> {
        let special = |name: &str| entries.iter().find(|entry| entry.key == name);
        // `$` sorts before all letters and digits, so most maps are ruled out by their first key.
        if entries.first().is_none_or(|first| first.key > "$type") {
            return self.write_entries(entries);
        }
        if let Some(link) = special("$link") {
            return match (entries, link.item) {
                ([_], Item::Text(text)) => {
                    link::write_link_text(self.out, text)?;
                    Ok(Kind::Link)
                }
                _ => Err(RecordError::InvalidLink),
            };
        }
        if let Some(bytes) = special("$bytes") {
            return match (entries, bytes.item) {
                ([_], Item::Text(text)) => {
                    link::write_bytes_text(self.out, text)?;
                    Ok(Kind::Other)
                }
                _ => Err(RecordError::InvalidBytes),
            };
        }
        match special("$type").map(|entry| entry.item) {
            Some(Item::Text(b"blob")) => self.write_blob(entries),
            None => self.write_entries(entries),
            Some(Item::Text(name)) if !name.is_empty() => self.write_entries(entries),
            Some(_) => Err(RecordError::InvalidType),
        }
    }

    fn write_entries(&mut self, entries: &[Entry<'a>]) -> Result<Kind, RecordError> {
        self.out.push(b'{');
        for (index, entry) in entries.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.write_entry(entry)?;
        }
        self.out.push(b'}');
        Ok(Kind::Map)
    }

    fn write_entry(&mut self, entry: &Entry<'a>) -> Result<Kind, RecordError> {
        write_str(self.out, entry.key);
        self.out.push(b':');
        self.reader.seek(entry.at as usize);
        self.write(entry.item, entry.container as usize + 1)
    }

    fn write_blob(&mut self, entries: &[Entry<'a>]) -> Result<Kind, RecordError> {
        let [kind, mime_type, reference, size] = entries else {
            return Err(RecordError::InvalidBlob);
        };
        let is_blob = mime_type.key == "mimeType"
            && matches!(mime_type.item, Item::Text(_))
            && reference.key == "ref"
            && size.key == "size"
            && matches!(size.item, Item::Unsigned(_));
        if !is_blob {
            return Err(RecordError::InvalidBlob);
        }
        self.out.push(b'{');
        self.write_entry(kind)?;
        self.out.push(b',');
        if self.write_entry(reference)? != Kind::Link {
            return Err(RecordError::InvalidBlob);
        }
        self.out.push(b',');
        self.write_entry(mime_type)?;
        self.out.push(b',');
        self.write_entry(size)?;
        self.out.push(b'}');
        Ok(Kind::Other)
    }
}

/// Sorts by the bytes of the keys and rejects duplicates.
fn sort(entries: &mut [Entry<'_>]) -> Result<(), RecordError> {
    if entries.is_sorted_by(|a, b| a.key < b.key) {
        return Ok(());
    }
    entries.sort_unstable_by(|a, b| a.key.cmp(b.key));
    if entries.is_sorted_by(|a, b| a.key < b.key) {
        Ok(())
    } else {
        Err(RecordError::DuplicateKey)
    }
}
