//! Decodes records into entries, for one reader.

use std::sync::Arc;

use bytes::Bytes;
use fanjet_event::{Datetime, Did, FrameStamp, FrameTopic, LabelStamp, Nsid, TimeUs, Topic};
use fanjet_log::{Entry, Origin, Selection, UpstreamId};
use hashbrown::HashMap;

use crate::format::record::{Kind, Record};

/// The operation and the number of operations in the origin of a raw frame.
const WHOLE_FRAME: (u32, u32) = (0, 1);

/// Number of collections that a reader remembers; it starts over beyond.
const MAX_COLLECTIONS: usize = 4096;

/// Builds the matching entries, sharing repeated names.
#[derive(Debug)]
pub(crate) struct Decoder {
    selection: Selection,
    /// Whether the selection matches each collection seen so far.
    collections: HashMap<Nsid, bool>,
    upstream: Option<UpstreamId>,
    labeler: Option<Did>,
    frame_time: Option<Datetime>,
}

impl Decoder {
    pub(crate) fn new(selection: Selection) -> Self {
        Self {
            selection,
            collections: HashMap::new(),
            upstream: None,
            labeler: None,
            frame_time: None,
        }
    }

    /// The topic, if the selection matches it.
    pub(crate) fn wanted(&mut self, record: &Record<'_>) -> Result<Option<Topic>, &'static str> {
        let topic = match record.kind {
            Kind::Commit => return self.wanted_commit(record.collection),
            Kind::Identity => Topic::Identity,
            Kind::Account => Topic::Account,
            Kind::Sync => Topic::Sync,
            Kind::Frame => Topic::Frame(Arc::new(FrameStamp {
                wire_seq: record.wire_seq(),
                time: TimeUs::new(record.time).ok_or("invalid log time")?,
                topic: FrameTopic::parse(text(record.collection)?),
            })),
            Kind::Labels => Topic::Labels(Arc::new(LabelStamp {
                labeler: self.labeler(record.upstream)?,
                seq_start: record.op_index,
                seq_len: record.op_count,
                time: TimeUs::new(record.time).ok_or("invalid log time")?,
            })),
        };
        Ok(self.selection.matches(&topic).then_some(topic))
    }

    /// The entry of a record about `topic` in `frames`.
    pub(crate) fn entry(
        &mut self,
        record: &Record<'_>,
        topic: Topic,
        frames: &Bytes,
    ) -> Result<Entry, &'static str> {
        // A reader that keeps a few events must not keep whole blocks in memory.
        let body = match self.selection {
            Selection::All => frames.slice_ref(record.body),
            Selection::Only(_) => Bytes::copy_from_slice(record.body),
        };
        let (op_index, op_count) = match topic {
            Topic::Frame(_) | Topic::Labels(_) => WHOLE_FRAME,
            _ => (record.op_index, record.op_count),
        };
        Ok(Entry {
            // One process writes and reads these events, so a trace header would have no consumer.
            trace: None,
            seq: record.seq,
            topic,
            origin: Origin {
                upstream: self.upstream(record.upstream)?,
                relay_seq: record.relay_seq,
                op_index,
                op_count,
                time: self.frame_time(record.frame_time)?,
            },
            body,
        })
    }

    fn wanted_commit(&mut self, collection: &[u8]) -> Result<Option<Topic>, &'static str> {
        let name = text(collection)?;
        if let Some((collection, &is_wanted)) = self.collections.get_key_value(name) {
            return Ok(is_wanted.then(|| Topic::Commit(collection.clone())));
        }
        let collection = Nsid::parse(name).map_err(|_| "invalid collection")?;
        let collection = collection.shared();
        let topic = Topic::Commit(collection.clone());
        let is_wanted = self.selection.matches(&topic);
        if self.collections.len() >= MAX_COLLECTIONS {
            self.collections.clear();
        }
        self.collections.insert(collection, is_wanted);
        Ok(is_wanted.then_some(topic))
    }

    fn upstream(&mut self, name: &[u8]) -> Result<UpstreamId, &'static str> {
        if let Some(upstream) = &self.upstream
            && upstream.as_str().as_bytes() == name
        {
            return Ok(upstream.clone());
        }
        let upstream = UpstreamId::new(text(name)?).ok_or("invalid upstream name")?;
        self.upstream = Some(upstream.clone());
        Ok(upstream)
    }

    fn labeler(&mut self, name: &[u8]) -> Result<Did, &'static str> {
        if let Some(labeler) = &self.labeler
            && labeler.as_str().as_bytes() == name
        {
            return Ok(labeler.clone());
        }
        let labeler = Did::parse(text(name)?).map_err(|_| "invalid labeler")?;
        let labeler = labeler.shared();
        self.labeler = Some(labeler.clone());
        Ok(labeler)
    }

    /// The operations of a commit have the same time, and so have all records of a copy.
    fn frame_time(&mut self, time: &[u8]) -> Result<Datetime, &'static str> {
        if let Some(last) = &self.frame_time
            && last.as_str().as_bytes() == time
        {
            return Ok(last.clone());
        }
        let time = Datetime::parse(text(time)?).map_err(|_| "invalid time")?;
        let time = time.shared();
        self.frame_time = Some(time.clone());
        Ok(time)
    }
}

fn text(bytes: &[u8]) -> Result<&str, &'static str> {
    std::str::from_utf8(bytes).map_err(|_| "invalid UTF-8")
}
