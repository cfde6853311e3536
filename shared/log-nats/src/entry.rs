//! From a message to an entry.

use async_nats::HeaderMap;
use bytes::Bytes;
use fanjet_log::{Entry, LogError, Selection, Seq};

use crate::headers::{OriginReader, collection, trace};
use crate::subject::{Subjects, TopicReader};

/// Reads entries of one log. Keeps what many of them share.
#[derive(Debug)]
pub(crate) struct EntryReader {
    topics: TopicReader,
    origins: OriginReader,
}

impl EntryReader {
    pub(crate) fn new(subjects: Subjects) -> Self {
        Self {
            topics: TopicReader::new(subjects),
            origins: OriginReader::default(),
        }
    }

    /// The entry that a stored message is, if `selection` wants it. Whatever else stands in the stream was not
    /// written by us.
    pub(crate) fn entry(
        &mut self,
        selection: &Selection,
        seq: Seq,
        subject: &str,
        headers: Option<&HeaderMap>,
        body: Bytes,
    ) -> Result<Option<Entry>, LogError> {
        let named = headers.and_then(collection);
        let topic = self.topics.topic(subject, named).ok_or_else(|| {
            let beside = named.map_or(String::new(), |name| format!(" of the collection {name:?}"));
            LogError::corrupt(seq, format!("its subject {subject:?} is no topic{beside}"))
        })?;
        if !selection.matches(&topic) {
            return Ok(None);
        }
        let origin = headers
            .and_then(|headers| self.origins.origin(headers))
            .ok_or_else(|| LogError::corrupt(seq, "it carries no origin"))?;
        Ok(Some(Entry {
            seq,
            topic,
            origin,
            body,
            trace: headers.and_then(trace),
        }))
    }
}
