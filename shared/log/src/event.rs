//! Events as they are appended and as they are read.

use std::sync::Arc;

use bytes::Bytes;
use fanjet_event::{Datetime, TimeUs, Topic};
use fanjet_wire::envelope::Envelope;

use crate::{AppendError, LogError, Seq, TraceParent, max_body};

/// One event to append. Cheap to clone: the publisher keeps it until it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// What it is about.
    pub topic: Topic,
    /// Where it came from.
    pub origin: Origin,
    /// The stamped v1 JSON, or the raw frame; at most [`max_body`](crate::max_body) bytes.
    pub body: Bytes,
    /// The trace that the event belongs to, if it is recorded. Not part of the event: a backend may drop it.
    pub trace: Option<TraceParent>,
}

impl NewEvent {
    /// The check that every backend makes first: the body is at most [`max_body`] bytes long.
    ///
    /// # Errors
    /// [`AppendError::Refused`].
    pub fn check_size(&self) -> Result<(), AppendError> {
        let (bytes, allowed) = (self.body.len(), max_body(&self.topic));
        if bytes <= allowed {
            return Ok(());
        }
        let what = format!("body of {bytes} bytes (allowed: {allowed})");
        Err(AppendError::Refused(what))
    }

    /// The log time; `None` when the body is not a stamped event.
    pub fn time(&self) -> Option<TimeUs> {
        match &self.topic {
            Topic::Frame(stamp) => Some(stamp.time),
            Topic::Labels(stamp) => Some(stamp.time),
            _ => Envelope::of(&self.body).map(|envelope| envelope.time),
        }
    }
}

/// One event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its position.
    pub seq: Seq,
    /// What it is about.
    pub topic: Topic,
    /// Where it came from.
    pub origin: Origin,
    /// The stamped v1 JSON, or the raw frame.
    pub body: Bytes,
    /// The trace that the event belongs to, if the backend has kept it.
    pub trace: Option<TraceParent>,
}

impl Entry {
    /// Parses the DID and the log time.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] when the body does not start like an event: stored data is damaged.
    pub fn envelope(&self) -> Result<Envelope<'_>, LogError> {
        Envelope::of(&self.body)
            .ok_or_else(|| LogError::corrupt(self.seq, "the body is not an event"))
    }

    /// The log time.
    ///
    /// # Errors
    /// As [`Entry::envelope`].
    pub fn time(&self) -> Result<TimeUs, LogError> {
        match &self.topic {
            Topic::Frame(stamp) => Ok(stamp.time),
            Topic::Labels(stamp) => Ok(stamp.time),
            _ => Ok(self.envelope()?.time),
        }
    }
}

/// The upstream, frame and operation that an event comes from: enough for a new leader to continue without losing or
/// repeating an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The upstream that assigned `seq`.
    pub upstream: UpstreamId,
    /// The upstream's sequence number of the frame.
    pub relay_seq: u64,
    /// The operation's index in its commit, 0 for other frames.
    pub op_index: u32,
    /// How many operations the commit has, 1 for other frames.
    pub op_count: u32,
    /// The frame's own time.
    pub time: Datetime,
}

impl Origin {
    /// Whether this event is at or before `other` in the order of their common upstream.
    pub fn is_covered_by(&self, other: &Self) -> bool {
        self.upstream == other.upstream
            && (self.relay_seq, self.op_index) <= (other.relay_seq, other.op_index)
    }
}

/// A short name for one upstream: usually its host, or the DID of a labeler.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UpstreamId(Arc<str>);

impl UpstreamId {
    /// Longest name in bytes.
    pub const MAX_LEN: usize = 255;

    /// Parses a name: 1 to 255 bytes of `A-Z a-z 0-9 . - _ : %` (so that it fits into a header).
    pub fn new(name: &str) -> Option<Self> {
        let is_valid = (1..=Self::MAX_LEN).contains(&name.len())
            && name.bytes().all(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'%')
            });
        is_valid.then(|| Self(Arc::from(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
