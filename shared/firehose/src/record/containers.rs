//! The ends of the arrays and maps inside a record.

use smallvec::SmallVec;

use super::limits::{MAX_ELEMENTS, MAX_KEY, MAX_RECORD_LEVELS};
use crate::cbor::{Item, Reader};
use crate::error::RecordError;

/// The arrays and maps inside the outermost map, numbered in the order in which they begin.
#[derive(Default)]
pub(super) struct Containers {
    spans: SmallVec<[Span; 32]>,
}

#[derive(Clone, Copy, Default)]
struct Span {
    /// Position behind the container.
    end: u32,
    /// Number of the first container that begins there or later.
    after: u32,
}

impl Containers {
    /// Skips a value of the outermost map and notes the containers in it, or jumps over one noted before. `container`
    /// is its number if it is a container; returns the number that follows.
    #[inline]
    pub(super) fn skip(
        &mut self,
        item: Item<'_>,
        reader: &mut Reader<'_>,
        container: usize,
    ) -> Result<usize, RecordError> {
        if !item.is_container() {
            return Ok(container);
        }
        if container == self.spans.len() {
            self.note(item, reader, 2)?;
        } else {
            reader.seek(self.spans[container].end as usize);
        }
        Ok(self.after(container))
    }

    /// Number of the first container behind this one.
    #[inline]
    pub(super) fn after(&self, container: usize) -> usize {
        self.spans[container].after as usize
    }

    fn note(
        &mut self,
        item: Item<'_>,
        reader: &mut Reader<'_>,
        level: usize,
    ) -> Result<(), RecordError> {
        if level > MAX_RECORD_LEVELS {
            return Err(RecordError::TooDeep);
        }
        let (elements, is_map) = match item {
            Item::Array(elements) => (elements, false),
            Item::Map(entries) => (entries, true),
            _ => return Ok(()),
        };
        if elements > MAX_ELEMENTS {
            return Err(RecordError::TooLarge);
        }
        let number = self.spans.len();
        self.spans.push(Span::default());
        for _ in 0..elements {
            if is_map {
                check_key(reader.key()?)?;
            }
            let item = reader.item()?;
            self.note(item, reader, level + 1)?;
        }
        // Records are at most 1 MiB, so positions and numbers fit.
        self.spans[number] = Span {
            end: reader.position() as u32,
            after: self.spans.len() as u32,
        };
        Ok(())
    }
}

/// A key of acceptable length.
#[inline]
fn check_key(key: &[u8]) -> Result<(), RecordError> {
    if key.len() > MAX_KEY {
        return Err(RecordError::TooLarge);
    }
    Ok(())
}
