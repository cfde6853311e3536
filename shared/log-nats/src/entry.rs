//! From a message to an entry.

use async_nats::HeaderMap;
use bytes::Bytes;
use fanjet_log::{Entry, LogError, Selection, Seq};

use crate::headers::{OriginReader, trace};
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
        let topic = self.topics.topic(subject).ok_or_else(|| {
            LogError::corrupt(seq, format!("its subject {subject:?} is no topic"))
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
