//! What the log, its appenders and its readers hold in common, and the questions that all of them have.

use std::ops::Range;
use std::sync::Arc;

use async_nats::connection::State;
use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{Info, Stream};
use fanjet_event::Topic;
use fanjet_log::{Bounds, Entry, LogError, Selection, Seq};
use futures::StreamExt;
use tokio::time::Instant;

use crate::allotment::Allotment;
use crate::config::NatsConfig;
use crate::connect::Link;
use crate::deleted::Deleted;
use crate::direct::{Direct, Stored};
use crate::entry::EntryReader;
use crate::passed::Passed;
use crate::pinned::{self, Pinned};
use crate::raw::{self, GetRequest, RawMessage};
use crate::reads::Reads;
use crate::spread::Spread;
use crate::stream;
use crate::subject::Subjects;

/// Matches every message of the stream.
const EVERYTHING: &str = ">";

/// What the log, its appenders and its follows hold in common.
pub(crate) struct Inner {
    pub(crate) config: NatsConfig,
    pub(crate) subjects: Subjects,
    pub(crate) link: Link,
    pub(crate) jetstream: Context,
    pub(crate) stream_name: String,
    pub(crate) reads: Arc<Reads>,
    pub(crate) direct: Direct,
    pub(crate) pinned: Pinned,
    pub(crate) passed: Arc<Passed>,
    pub(crate) deleted: Arc<Deleted>,
    pub(crate) spread: Arc<Spread>,
    pub(crate) stream: Stream<()>,
}

/// The ends that the server reports.
pub(crate) fn bounds(info: &Info) -> Bounds {
    let state = &info.state;
    Bounds {
        first: if state.messages == 0 {
            state.last_sequence + 1
        } else {
            state.first_sequence
        },
        last: state.last_sequence,
    }
}

impl Inner {
    pub(crate) fn is_connected(&self) -> bool {
        self.link.client.connection_state() == State::Connected
    }

    /// What somebody has changed about the stream so that it cannot be worked with any more.
    pub(crate) async fn flaws(&self) -> Option<String> {
        let info = self.info().await.ok()?;
        let flaws = stream::flaws(&info.config, &self.subjects, self.config.stream.content);
        (!flaws.is_empty()).then(|| format!("stream {}: {}", self.stream_name, flaws.join("; ")))
    }

    /// What the stream's leader says of it.
    pub(crate) async fn info(&self) -> Result<Info, LogError> {
        self.stream.get_info().await.map_err(LogError::unavailable)
    }

    /// The ends of the log that is read, as the stream's leader sees them.
    pub(crate) async fn bounds(&self) -> Result<Bounds, LogError> {
        let breaks = self.link.breaks();
        let info = self.info().await?;
        let found = pinned::identity(&info);
        self.pinned.check(found, breaks, Instant::now())?;
        Ok(bounds(&info))
    }

    /// As [`Inner::bounds`], and whether anything stood on these shared subjects then, or a moment later.
    pub(crate) async fn bounds_and_use(
        &self,
        shared: &[String],
    ) -> Result<(Bounds, bool), LogError> {
        let breaks = self.link.breaks();
        let asked = match shared {
            [] => return Ok((self.bounds().await?, false)),
            [one] => one.clone(),
            _ => self.subjects.all_shared(),
        };
        let found = self.stream.info_with_subjects(asked).await;
        let mut found = found.map_err(LogError::unavailable)?;
        let identity = pinned::identity(&found.info);
        self.pinned.check(identity, breaks, Instant::now())?;
        let bounds = bounds(&found.info);
        while let Some(subject) = found.next().await {
            let (subject, _) = subject.map_err(LogError::unavailable)?;
            if let [_] = shared {
                return Ok((bounds, true));
            }
            if shared.contains(&subject) {
                return Ok((bounds, true));
            }
        }
        Ok((bounds, false))
    }

    /// Which collections have a subject of their own, as the stream shows it.
    pub(crate) async fn allotment(&self) -> Result<Allotment, LogError> {
        let found = self
            .stream
            .info_with_subjects(self.subjects.commits())
            .await;
        let mut found = found.map_err(LogError::unavailable)?;
        if found.info.config.mirror.is_some() {
            // It may be promoted at any time, so an ingest waits.
            return Err(LogError::unavailable(format!(
                "stream {} is a mirror, which only NATS writes: ingest belongs where its origin is",
                self.stream_name
            )));
        }
        let max_age = found.info.config.max_age;
        let kept_for = (!max_age.is_zero()).then_some(max_age);
        let mut collections = Vec::new();
        while let Some(subject) = found.next().await {
            let (subject, messages) = subject.map_err(LogError::unavailable)?;
            if let Some(Topic::Commit(collection)) = self.subjects.topic(&subject) {
                collections.push((collection, messages as u64));
            }
        }
        Ok(Allotment::of(
            collections,
            kept_for,
            Instant::now().into_std(),
        ))
    }

    /// That the log that is read is still there, or was a moment ago.
    pub(crate) async fn check_identity(&self) -> Result<(), LogError> {
        if self.is_fresh() {
            return Ok(());
        }
        let _asking = self.pinned.asking.lock().await;
        if self.is_fresh() {
            return Ok(());
        }
        self.bounds().await.map(drop)
    }

    fn is_fresh(&self) -> bool {
        self.pinned.is_fresh(self.link.breaks(), Instant::now())
    }

    /// The first entry at or above `from`: from any replica, or from the leader when that one has none there, or the connection
    /// for reading is not to be used.
    pub(crate) async fn first_from(&self, from: Seq) -> Result<Option<Entry>, LogError> {
        let is_unreadable = |known: Range<Seq>| known.start == from;
        if !self.reads.unreadable_from(from).is_some_and(is_unreadable)
            && let Some(link) = self.reads.link().await?
        {
            match self.direct.at(from).await {
                Ok(Some(message)) => {
                    if let Some(entry) = self.stored(message)? {
                        return Ok(Some(entry));
                    }
                }
                Err(error) if !link.has_broken().await => return Err(error.into()),
                Ok(None) | Err(_) => {}
            }
        }
        self.leaders_next(from, EVERYTHING).await
    }

    /// The first entry that the server stored at or after a time in RFC 3339, if the message is one that can be had just now.
    pub(crate) async fn stored_since(&self, time: &str) -> Result<Option<Entry>, LogError> {
        let Some(link) = self.reads.link().await? else {
            return Ok(None);
        };
        match self.direct.stored_since(time).await {
            Ok(Some(message)) => self.stored(message),
            Err(error) if !link.has_broken().await => Err(error.into()),
            Ok(None) | Err(_) => Ok(None),
        }
    }

    /// The leader's first entry at or above `from` under a subject.
    pub(crate) async fn leaders_next(
        &self,
        mut from: Seq,
        filter: &str,
    ) -> Result<Option<Entry>, LogError> {
        loop {
            let Some(message) = self.leaders_first(from, filter).await? else {
                return Ok(None);
            };
            from = message.seq + 1;
            if let Some(entry) = self.entry_of(message)? {
                return Ok(Some(entry));
            }
        }
    }

    /// The leader's first message at or above `from`, whatever it is.
    pub(crate) async fn leaders_message(&self, from: Seq) -> Result<Option<RawMessage>, LogError> {
        self.leaders_first(from, EVERYTHING).await
    }

    /// The leader's first message at or above `from` under a subject.
    pub(crate) async fn leaders_first(
        &self,
        from: Seq,
        filter: &str,
    ) -> Result<Option<RawMessage>, LogError> {
        let request = GetRequest::Next {
            seq: from,
            next_by_subj: filter,
        };
        self.raw_message(request).await
    }

    /// The leader's message at `seq`.
    pub(crate) async fn leaders(&self, seq: Seq) -> Result<Option<RawMessage>, LogError> {
        self.raw_message(GetRequest::At { seq }).await
    }

    /// The leader's newest message under a subject.
    pub(crate) async fn leaders_newest(
        &self,
        subject: &str,
    ) -> Result<Option<RawMessage>, LogError> {
        let request = GetRequest::Newest {
            last_by_subj: subject,
        };
        self.raw_message(request).await
    }

    async fn raw_message(&self, request: GetRequest<'_>) -> Result<Option<RawMessage>, LogError> {
        let found = raw::get(&self.jetstream, &self.stream_name, request).await?;
        if let Some(message) = &found
            && !message.is_readable()
        {
            self.reads.note_unreadable(message.seq);
        }
        Ok(found)
    }

    /// Reads what the stream holds.
    pub(crate) fn reader(&self) -> EntryReader {
        EntryReader::new(self.subjects.clone(), Arc::clone(&self.passed))
    }

    /// The entry that a message is, if it is one.
    pub(crate) fn entry_of(&self, message: RawMessage) -> Result<Option<Entry>, LogError> {
        self.entry_from(&mut self.reader(), &Selection::All, message)
    }

    /// The entry that a message is, if it is one and `selection` wants it.
    pub(crate) fn entry_from(
        &self,
        reader: &mut EntryReader,
        selection: &Selection,
        message: RawMessage,
    ) -> Result<Option<Entry>, LogError> {
        let RawMessage {
            seq,
            subject,
            headers,
            body,
        } = message;
        match headers {
            Ok(headers) => reader.entry(selection, seq, &subject, Some(&headers), body),
            Err(headers) => reader.unreadable(seq, &subject, headers),
        }
    }

    /// The entry that a stored message is, if it is one.
    pub(crate) fn stored(&self, message: Stored) -> Result<Option<Entry>, LogError> {
        let (subject, headers) = (message.subject(), Some(&message.headers));
        let body = message.body.clone();
        self.reader()
            .entry(&Selection::All, message.seq, subject, headers, body)
    }

    /// That everything from `expected` up to `found` has expired or was deleted, by the word of the stream's leader, rather
    /// than being lost on its way or on the leader's disk.
    pub(crate) async fn check_gone(&self, expected: Seq, found: Seq) -> Result<(), LogError> {
        // Asked later than `found` was, so it can only have moved on.
        let first = self.bounds().await?.first;
        if first >= found {
            return Ok(());
        }
        let from = expected.max(first);
        let next = self.leaders_message(from).await?;
        let is_present = next.is_some_and(|next| next.seq < found);
        let deleted = &self.deleted;
        let is_gone = !is_present
            && deleted
                .hold_all(&self.jetstream, &self.stream_name, from..found)
                .await?;
        if !is_gone {
            return Err(LogError::Gap { expected, found });
        }
        self.passed.deleted(from..found);
        Ok(())
    }
}
