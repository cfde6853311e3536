//! From a message to an entry.

use std::sync::Arc;

use async_nats::HeaderMap;
use bytes::Bytes;
use fanjet_event::Topic;
use fanjet_log::{Entry, LogError, Selection, Seq};

use crate::headers::{OriginReader, carries_origin, collection, labels_stamp, stamp, trace};
use crate::passed::Passed;
use crate::raw::Unreadable;
use crate::subject::{Subjects, TopicReader};

/// Reads entries of one log. Keeps what many of them share.
#[derive(Debug)]
pub(crate) struct EntryReader {
    topics: TopicReader,
    origins: OriginReader,
    passed: Arc<Passed>,
}

impl EntryReader {
    pub(crate) fn new(subjects: Subjects, passed: Arc<Passed>) -> Self {
        Self {
            topics: TopicReader::new(subjects),
            origins: OriginReader::default(),
            passed,
        }
    }

    /// What a message is whose headers cannot be parsed: never an entry.
    pub(crate) fn unreadable(
        &self,
        seq: Seq,
        subject: &str,
        headers: Unreadable,
    ) -> Result<Option<Entry>, LogError> {
        if headers.carries_origin {
            return Err(LogError::corrupt(seq, "its headers cannot be parsed"));
        }
        self.passed.foreign(seq, subject);
        Ok(None)
    }

    /// Parses a stored message into an entry, if it is one and `selection` wants it. Every event carries its origin: a
    /// message without one is not an event, wherever it is stored, and is skipped. A message with an origin that is not
    /// an event is damage.
    pub(crate) fn entry(
        &mut self,
        selection: &Selection,
        seq: Seq,
        subject: &str,
        headers: Option<&HeaderMap>,
        body: Bytes,
    ) -> Result<Option<Entry>, LogError> {
        let named = headers.and_then(collection);
        let topic = if self.topics.is_frame(subject) {
            let stamp = headers.and_then(stamp);
            stamp.map(|stamp| Topic::Frame(Arc::new(stamp)))
        } else if let Some(labeler) = self.topics.labeler(subject) {
            let stamp = headers.and_then(|headers| labels_stamp(headers, labeler));
            stamp.map(|stamp| Topic::Labels(Arc::new(stamp)))
        } else {
            self.topics.topic(subject, named)
        };
        if topic
            .as_ref()
            .is_some_and(|topic| !selection.matches(topic))
        {
            return Ok(None);
        }
        if !headers.is_some_and(carries_origin) {
            self.passed.foreign(seq, subject);
            return Ok(None);
        }
        let topic = topic.ok_or_else(|| {
            let beside = named.map_or(String::new(), |name| format!(" of the collection {name:?}"));
            LogError::corrupt(seq, format!("its subject {subject:?} is no topic{beside}"))
        })?;
        let origin = headers
            .and_then(|headers| self.origins.origin(headers))
            .ok_or_else(|| LogError::corrupt(seq, "its origin is not readable"))?;
        Ok(Some(Entry {
            seq,
            topic,
            origin,
            body,
            trace: headers.and_then(trace),
        }))
    }
}
