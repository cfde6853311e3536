//! One event, shared by all subscribers of this node.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use fanjet_event::{Action, TimeUs, Topic};
use fanjet_filter::{Encoding, Protocol};
use fanjet_log::{LogError, Seq};
use fanjet_wire::envelope::Envelope;
use fanjet_wire::websocket::{header_len, text_frame};
use fanjet_wire::{stream, v2, v2c};

use super::encoded::Encoded;
use super::{CollectionId, Collections, Encoder};

/// One event, ready to send: the fields for routing and the finished frame. Created once per node. Frames in other encodings
/// are created once per node on first use.
#[derive(Debug)]
pub struct Entry {
    seq: Seq,
    time: TimeUs,
    topic: Topic,
    action: Option<Action>,
    collection: Option<CollectionId>,
    /// The position of the DID and the start of the JSON in the frame.
    did: Range<u16>,
    json_start: u8,
    /// Whether it belongs to a page and not to the tail: its encoded frames count there.
    is_paged: bool,
    /// A part of its page's buffer, if it belongs to a page.
    frame: Bytes,
    /// Frames made on demand, by encoding.
    encoded: [Encoded; SLOTS],
}

/// Encodings whose frames are made on demand and kept.
const SLOTS: usize = 5;

impl Entry {
    /// Builds the frame of a log entry.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] when the entry is not an event: the log is damaged.
    pub fn new(entry: &fanjet_log::Entry, collections: &mut Collections) -> Result<Self, LogError> {
        Self::framed(entry, text_frame(&entry.body), false, collections)
    }

    /// The entry of a page, with its existing frame.
    ///
    /// # Errors
    /// As [`Entry::new`].
    pub(crate) fn paged(
        entry: &fanjet_log::Entry,
        frame: Bytes,
        collections: &mut Collections,
    ) -> Result<Self, LogError> {
        Self::framed(entry, frame, true, collections)
    }

    fn framed(
        entry: &fanjet_log::Entry,
        frame: Bytes,
        is_paged: bool,
        collections: &mut Collections,
    ) -> Result<Self, LogError> {
        let json_start = header_len(entry.body.len());
        let no_event = || LogError::corrupt(entry.seq, "the body is not an event");
        let envelope = Envelope::of(&frame[json_start..]).ok_or_else(no_event)?;
        let did = range_in(envelope.did.as_bytes(), &frame).ok_or_else(no_event)?;
        if matches!(entry.topic, Topic::Commit(_)) && envelope.action.is_none() {
            let what = "the topic says commit, but the body is not one";
            return Err(LogError::corrupt(entry.seq, what));
        }
        let time = envelope.time;
        let (topic, collection) = match entry.topic.clone() {
            Topic::Commit(name) => {
                let (name, id) = collections.intern(name);
                (Topic::Commit(name), id)
            }
            other => (other, None),
        };
        Ok(Self {
            seq: entry.seq,
            time,
            topic,
            action: envelope.action,
            collection,
            did,
            json_start: json_start as u8,
            is_paged,
            frame,
            encoded: Default::default(),
        })
    }

    /// Its position in the log.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// The log time, which clients use as their cursor.
    pub fn time(&self) -> TimeUs {
        self.time
    }

    /// Its topic.
    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    /// The action of a commit; `None` for other events.
    pub fn action(&self) -> Option<Action> {
        self.action
    }

    /// The collection's number, for a commit whose collection has one.
    pub fn collection(&self) -> Option<CollectionId> {
        self.collection
    }

    /// The DID of the repo.
    pub fn did(&self) -> &str {
        // It was a `str` when the entry was created.
        let did = usize::from(self.did.start)..usize::from(self.did.end);
        std::str::from_utf8(&self.frame[did]).unwrap_or_default()
    }

    /// The finished text frame.
    pub fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// Appends the event in an encoding. The wrapping of server-sent events and lines is written during this copy: keeping it
    /// would double the memory of the JSON.
    pub fn put_in(&self, encoding: Encoding, encoder: &mut Encoder, out: &mut Vec<u8>) {
        match encoding {
            Encoding::Sse => stream::put_sse(out, self.time, self.json_bytes()),
            Encoding::Ndjson => stream::put_line(out, self.json_bytes()),
            Encoding::V2c => v2c::put_text_message(out, self.json_bytes(), self.seq),
            Encoding::Json
            | Encoding::Zstd
            | Encoding::V0
            | Encoding::V2
            | Encoding::V2Zstd
            | Encoding::V2ZstdPrevious => {
                out.extend_from_slice(self.frame_in(encoding, encoder));
            }
        }
    }

    /// The number of bytes that [`Entry::put_in`] appends. Encodes the frame if necessary.
    pub fn len_in(&self, encoding: Encoding, encoder: &mut Encoder) -> usize {
        match encoding {
            Encoding::Sse => self.json_len() + stream::SSE_AROUND,
            Encoding::Ndjson => self.json_len() + stream::LINE_AROUND,
            Encoding::V2c => v2c::message_len(self.json_len(), self.seq),
            Encoding::Json
            | Encoding::Zstd
            | Encoding::V0
            | Encoding::V2
            | Encoding::V2Zstd
            | Encoding::V2ZstdPrevious => self.frame_in(encoding, encoder).len(),
        }
    }

    /// The finished WebSocket frame in an encoding that has one, encoded if necessary.
    pub fn frame_in(&self, encoding: Encoding, encoder: &mut Encoder) -> &[u8] {
        let Some(encoded) = self.encoded(encoding) else {
            return &self.frame;
        };
        encoded.get().unwrap_or_else(|| {
            let bytes = Arc::clone(encoder.bytes(self.is_paged));
            encoded.get_or_make(bytes, || {
                encoder.encode(encoding, self.json_bytes(), self.seq)
            })
        })
    }

    /// Encodes the frame unless it exists or another thread has claimed it.
    pub fn prepare(&self, encoding: Encoding, encoder: &mut Encoder) {
        if self.encoded(encoding).is_some_and(Encoded::claim) {
            self.frame_in(encoding, encoder);
        }
    }

    /// The JSON payload of the frame.
    pub fn json(&self) -> Bytes {
        self.frame.slice(usize::from(self.json_start)..)
    }

    /// Length of the JSON in bytes.
    pub fn json_len(&self) -> usize {
        self.frame.len() - usize::from(self.json_start)
    }

    /// Length of the message in bytes that size limits of a protocol are measured by, before any compression.
    pub fn message_len(&self, protocol: Protocol) -> usize {
        match protocol {
            Protocol::V1 => self.json_len(),
            Protocol::V2 => v2::json_len(self.json_len(), &self.topic, self.action, self.seq),
        }
    }

    /// The memory in bytes of frames encoded on demand. It may grow at any time.
    pub fn encoded_weight(&self) -> usize {
        self.encoded.iter().map(Encoded::weight).sum()
    }

    /// The memory in bytes including allocations, without [`Entry::encoded_weight`]. Constant.
    pub fn weight(&self) -> usize {
        // The frame's allocation, the entry behind its `Arc`, and the ring's handle.
        const OVERHEAD: usize = size_of::<Entry>() + 2 * size_of::<usize>() + size_of::<usize>();
        self.frame.len() + OVERHEAD
    }

    /// The storage for a frame in an encoding, unless it derives from the text frame.
    fn encoded(&self, encoding: Encoding) -> Option<&Encoded> {
        let slot = match encoding {
            Encoding::Json | Encoding::Sse | Encoding::Ndjson | Encoding::V2c => return None,
            Encoding::Zstd => 0,
            Encoding::V0 => 1,
            Encoding::V2 => 2,
            Encoding::V2Zstd => 3,
            Encoding::V2ZstdPrevious => 4,
        };
        Some(&self.encoded[slot])
    }

    fn json_bytes(&self) -> &[u8] {
        &self.frame[usize::from(self.json_start)..]
    }
}

impl AsRef<Self> for Entry {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// The range of `part` in `whole`. `None`: further back than any DID.
fn range_in(part: &[u8], whole: &[u8]) -> Option<Range<u16>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    Some(u16::try_from(start).ok()?..u16::try_from(start + part.len()).ok()?)
}

#[cfg(test)]
mod tests;
