//! One event as a frame's payload.
//!
//! ```text
//! kind u8, upstream length u8, collection length u16, time length u8, 3 zeros,
//! seq u64, log time u64, relay seq u64, op index u32, op count u32 (of a raw frame: wire seq u64; of a labeler's: start and length of
//! its number),
//! collection, upstream, the frame's own time, body
//! ```
//!
//! In place of the collection a raw frame has what it is about, or nothing.
//! The collection is first, so that a reader of some collections need not parse the rest. The log time is a copy of the
//! body's, so that a search by time need not parse bodies.

use std::borrow::Cow;

use fanjet_event::{FrameTopic, TimeUs, Topic};
use fanjet_log::{NewEvent, Seq};

use super::frame;
use super::{u32_at, u64_at};

/// Bytes of a payload before the collection.
const FIXED: usize = 40;

/// A record, borrowed from its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// The kind of topic.
    pub(crate) kind: Kind,
    /// Its position in the log.
    pub(crate) seq: Seq,
    /// Its log time in microseconds.
    pub(crate) time: u64,
    /// The upstream's seq.
    pub(crate) relay_seq: u64,
    /// The index of the operation in the commit. With `op_count`, the two halves of a raw frame's wire seq.
    pub(crate) op_index: u32,
    /// The number of operations.
    pub(crate) op_count: u32,
    /// The collection of a commit; what a raw frame is about, if known; else empty.
    pub(crate) collection: &'a [u8],
    /// The upstream's name.
    pub(crate) upstream: &'a [u8],
    /// The frame's own time.
    pub(crate) frame_time: &'a [u8],
    /// The event's JSON.
    pub(crate) body: &'a [u8],
}

/// The topic of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Commit = 0,
    Identity = 1,
    Account = 2,
    Sync = 3,
    Frame = 4,
    /// The upstream is the labeler.
    Labels = 5,
}

impl Record<'_> {
    /// The wire seq of a raw frame.
    pub(crate) fn wire_seq(&self) -> u64 {
        u64::from(self.op_index) | u64::from(self.op_count) << 32
    }
}

/// Appends an event to `out`, as a frame.
pub(crate) fn write(out: &mut Vec<u8>, seq: Seq, time: TimeUs, event: &NewEvent) {
    let (kind, _) = kind_of(&event.topic);
    let collection = name_of(&event.topic);
    let origin = &event.origin;
    let (upstream, frame_time) = (origin.upstream.as_str(), origin.time.as_str());
    let begin = frame::begin(out);
    // The types bound the lengths: 512, 255 and 64 bytes.
    out.push(kind as u8);
    out.push(upstream.len() as u8);
    out.extend_from_slice(&(collection.len() as u16).to_le_bytes());
    out.extend_from_slice(&[frame_time.len() as u8, 0, 0, 0]);
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&time.get().to_le_bytes());
    out.extend_from_slice(&origin.relay_seq.to_le_bytes());
    match &event.topic {
        Topic::Frame(stamp) => out.extend_from_slice(&stamp.wire_seq.to_le_bytes()),
        Topic::Labels(stamp) => {
            out.extend_from_slice(&stamp.seq_start.to_le_bytes());
            out.extend_from_slice(&stamp.seq_len.to_le_bytes());
        }
        _ => {
            out.extend_from_slice(&origin.op_index.to_le_bytes());
            out.extend_from_slice(&origin.op_count.to_le_bytes());
        }
    }
    out.extend_from_slice(collection.as_bytes());
    out.extend_from_slice(upstream.as_bytes());
    out.extend_from_slice(frame_time.as_bytes());
    out.extend_from_slice(&event.body);
    frame::end(out, begin);
}

/// Appends an event of a copy, which does not keep origins. Readers get this one instead.
pub(crate) fn write_copied(out: &mut Vec<u8>, seq: Seq, time: TimeUs, topic: &Topic, body: &[u8]) {
    const UPSTREAM: &str = "copy";
    const FRAME_TIME: &str = "1970-01-01T00:00:00Z";
    let (kind, collection) = kind_of(topic);
    let begin = frame::begin(out);
    out.push(kind as u8);
    out.push(UPSTREAM.len() as u8);
    out.extend_from_slice(&(collection.len() as u16).to_le_bytes());
    out.extend_from_slice(&[FRAME_TIME.len() as u8, 0, 0, 0]);
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&time.get().to_le_bytes());
    // The first operation of one.
    out.extend_from_slice(&0_u64.to_le_bytes());
    out.extend_from_slice(&0_u32.to_le_bytes());
    out.extend_from_slice(&1_u32.to_le_bytes());
    out.extend_from_slice(collection.as_bytes());
    out.extend_from_slice(UPSTREAM.as_bytes());
    out.extend_from_slice(FRAME_TIME.as_bytes());
    out.extend_from_slice(body);
    frame::end(out, begin);
}

fn kind_of(topic: &Topic) -> (Kind, &str) {
    match topic {
        Topic::Commit(collection) => (Kind::Commit, collection.as_str()),
        Topic::Identity => (Kind::Identity, ""),
        Topic::Account => (Kind::Account, ""),
        Topic::Sync => (Kind::Sync, ""),
        Topic::Frame(_) => (Kind::Frame, ""),
        Topic::Labels(_) => (Kind::Labels, ""),
    }
}

/// What is written in the place of the collection.
fn name_of(topic: &Topic) -> Cow<'_, str> {
    match topic {
        Topic::Frame(stamp) => match &stamp.topic {
            Some(topic) => Cow::Owned(topic.to_string()),
            None => Cow::Borrowed(""),
        },
        topic => Cow::Borrowed(kind_of(topic).1),
    }
}

/// The number of bytes that [`write`] appends.
pub(crate) fn len(event: &NewEvent) -> usize {
    let collection = match &event.topic {
        Topic::Frame(stamp) => stamp.topic.as_ref().map_or(0, FrameTopic::bytes),
        topic => kind_of(topic).1.len(),
    };
    let origin = &event.origin;
    frame::PREFIX
        + FIXED
        + collection
        + origin.upstream.as_str().len()
        + origin.time.as_str().len()
        + event.body.len()
}

/// Parses a payload; `None` if it is not a record.
pub(crate) fn read(payload: &[u8]) -> Option<Record<'_>> {
    let (fixed, rest) = payload.split_at_checked(FIXED)?;
    let kind = match fixed[0] {
        0 => Kind::Commit,
        1 => Kind::Identity,
        2 => Kind::Account,
        3 => Kind::Sync,
        4 => Kind::Frame,
        5 => Kind::Labels,
        _ => return None,
    };
    let collection = usize::from(u16::from_le_bytes([fixed[2], fixed[3]]));
    let (collection, rest) = rest.split_at_checked(collection)?;
    let (upstream, rest) = rest.split_at_checked(usize::from(fixed[1]))?;
    let (frame_time, body) = rest.split_at_checked(usize::from(fixed[4]))?;
    let is_named = match kind {
        Kind::Commit => !collection.is_empty(),
        Kind::Frame => true,
        _ => collection.is_empty(),
    };
    if fixed[5..8] != [0; 3] || !is_named {
        return None;
    }
    Some(Record {
        kind,
        seq: u64_at(fixed, 8)?,
        time: u64_at(fixed, 16)?,
        relay_seq: u64_at(fixed, 24)?,
        op_index: u32_at(fixed, 32)?,
        op_count: u32_at(fixed, 36)?,
        collection,
        upstream,
        frame_time,
        body,
    })
}
