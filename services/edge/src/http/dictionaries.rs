//! The dictionaries that clients of Jetstream v2 fetch and ask for.

use bytes::Bytes;

use crate::tail::Compression;

/// Their ids and bytes, the current one first.
#[derive(Debug)]
pub(crate) struct ServedDictionaries {
    ids: Vec<u32>,
    bytes: Vec<Bytes>,
}

impl ServedDictionaries {
    pub(crate) fn of(compression: &Compression) -> Self {
        let served = compression.v2_dictionaries();
        let copied = served.iter().map(|it| Bytes::copy_from_slice(it.bytes()));
        Self {
            ids: served.iter().map(|it| it.id()).collect(),
            bytes: copied.collect(),
        }
    }

    pub(super) fn ids(&self) -> &[u32] {
        &self.ids
    }

    pub(super) fn bytes(&self, id: u32) -> Option<&Bytes> {
        let at = self.ids.iter().position(|&served| served == id)?;
        self.bytes.get(at)
    }
}
