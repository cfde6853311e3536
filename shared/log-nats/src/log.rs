//! The log itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State as ConnectionState;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{Info, LastRawMessageErrorKind, RawMessageError, Stream};
use async_nats::jetstream::{self, Context};
use async_trait::async_trait;
use fanjet_event::{TimeUs, Topic};
use fanjet_log::{
    AppendError, Appender, Bounds, Entry, EventLog, Follow, LogError, LogIdentity, Page,
    PassedOver, ReadLimit, Selection, Seq, first_seq,
};
use futures::StreamExt;
use tokio::time::Instant;
use tracing::warn;

use crate::allotment::Allotment;
use crate::append::NatsAppender;
use crate::config::NatsConfig;
use crate::connect::Link;
use crate::deleted::{self, Deleted};
use crate::direct::{Direct, Stored};
use crate::entry::EntryReader;
use crate::lease::NatsLease;
use crate::passed::Passed;
use crate::pinned::{self, Pinned};
use crate::replay::Replays;
use crate::spread::Spread;
use crate::subject::Subjects;
use crate::{follow, newest, read, seek, stream};

/// Matches every message of the stream.
const EVERYTHING: &str = ">";
pub(crate) const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The log in a NATS JetStream stream. Clones share the connection, and the log that is read.
#[derive(Clone)]
pub struct NatsLog {
    pub(crate) inner: Arc<Inner>,
}

/// What the log, its appenders and its follows hold in common.
pub(crate) struct Inner {
    pub(crate) config: NatsConfig,
    pub(crate) subjects: Subjects,
    pub(crate) link: Link,
    pub(crate) jetstream: Context,
    pub(crate) stream_name: String,
    pub(crate) direct: Direct,
    pub(crate) replays: Arc<Replays>,
    pub(crate) pinned: Pinned,
    pub(crate) passed: Arc<Passed>,
    pub(crate) deleted: Arc<Deleted>,
    pub(crate) spread: Arc<Spread>,
    stream: Stream<()>,
}

impl NatsLog {
    /// Connects, and creates or checks the stream. One that is created begins at 1, as tests like it.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when no server answers; [`LogError::Misconfigured`] when one does but does not let
    /// us in, is too old, or has a stream that breaks the log's rules.
    pub async fn connect(config: NatsConfig) -> Result<Self, LogError> {
        // Boxed: the handshakes are large, and callers hold this in futures of their own.
        Box::pin(Self::open(config, 1)).await
    }

    /// Connects, however long no server answers. A stream that is created begins at [`first_seq`] of the Unix microseconds
    /// that `now_us` tells.
    ///
    /// # Errors
    /// [`LogError::Misconfigured`]: waiting cannot help.
    pub async fn connect_patiently(
        config: NatsConfig,
        now_us: impl Fn() -> u64,
    ) -> Result<Self, LogError> {
        loop {
            // Boxed, as above.
            match Box::pin(Self::open(config.clone(), first_seq(now_us()))).await {
                Err(error) if error.is_retryable() => {
                    warn!(%error, pause = ?RETRY_PAUSE, "no log yet, trying again");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// How the collections that this process writes are spread over subjects.
    pub fn spread(&self) -> &Arc<Spread> {
        &self.inner.spread
    }

    /// Whether the connection stands now.
    pub fn is_connected(&self) -> bool {
        self.inner.is_connected()
    }

    /// Who may try to write this log: a lease in the bucket `nats.lease_bucket`, on the same connection. The bucket is
    /// created or checked by the first call that needs it.
    ///
    /// # Errors
    /// [`LogError::Misconfigured`] when that is no name for a bucket.
    pub async fn lease(&self) -> Result<NatsLease, LogError> {
        NatsLease::of(Arc::clone(&self.inner)).await
    }

    /// The same log on the same connection for another part of the process, which has to
    /// [adopt](EventLog::adopt) one that takes its place by itself.
    #[must_use]
    pub fn another_reader(&self) -> Self {
        let inner = &self.inner;
        Self {
            inner: Arc::new(Inner {
                config: inner.config.clone(),
                subjects: inner.subjects.clone(),
                link: inner.link.clone(),
                jetstream: inner.jetstream.clone(),
                stream_name: inner.stream_name.clone(),
                direct: inner.direct.clone(),
                replays: Arc::clone(&inner.replays),
                pinned: Pinned::new(inner.pinned.identity()),
                passed: Arc::clone(&inner.passed),
                deleted: Arc::clone(&inner.deleted),
                spread: Arc::clone(&inner.spread),
                stream: inner.stream.clone(),
            }),
        }
    }

    async fn open(config: NatsConfig, first: Seq) -> Result<Self, LogError> {
        let subjects = Subjects::configured(&config.stream)?;
        let link = Link::open(&config).await?;
        let mut jetstream = jetstream::new(link.client.clone());
        jetstream.set_timeout(config.request_timeout);
        let found = stream::ensure(&jetstream, &config.stream, &subjects, first).await?;
        let stream_name = config.stream.name.clone();
        let stream = jetstream
            .get_stream_no_info(&stream_name)
            .await
            .map_err(LogError::unavailable)?;
        let replays = Arc::new(Replays::new(config.read_ahead_bytes));
        let direct = Direct::new(link.clone(), &stream_name, config.request_timeout);
        Ok(Self {
            inner: Arc::new(Inner {
                config,
                subjects,
                link,
                jetstream,
                stream_name,
                direct,
                replays,
                pinned: Pinned::new(pinned::identity(&found)),
                passed: Arc::default(),
                deleted: Arc::default(),
                spread: Arc::default(),
                stream,
            }),
        })
    }
}

impl fmt::Debug for NatsLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsLog")
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl EventLog for NatsLog {
    async fn identity(&self) -> Result<LogIdentity, LogError> {
        Ok(pinned::identity(&self.inner.info().await?))
    }

    async fn adopt(&self) -> Result<LogIdentity, LogError> {
        let identity = self.identity().await?;
        self.inner.pinned.pin(identity);
        Ok(identity)
    }

    async fn bounds(&self) -> Result<Bounds, LogError> {
        Ok(bounds(&self.inner.info().await?))
    }

    async fn last(&self) -> Result<Option<Entry>, LogError> {
        newest::newest(&self.inner, self.bounds().await?).await
    }

    async fn read(
        &self,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Result<Page, LogError> {
        self.inner.check_identity().await?;
        read::page(&self.inner, from.max(1), selection, limit).await
    }

    async fn follow(&self, from: Seq, selection: &Selection) -> Result<Follow, LogError> {
        follow::open(Arc::clone(&self.inner), from, selection).await
    }

    async fn seq_at(&self, time: TimeUs) -> Result<Seq, LogError> {
        seek::seq_at(&self.inner, time).await
    }

    async fn appender(&self, after: Seq) -> Result<Box<dyn Appender>, AppendError> {
        let appender = NatsAppender::open(Arc::clone(&self.inner), after).await?;
        Ok(Box::new(appender))
    }

    fn passed_over(&self) -> PassedOver {
        self.inner.passed.count()
    }
}

/// The ends that the server tells.
fn bounds(info: &Info) -> Bounds {
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
        self.link.client.connection_state() == ConnectionState::Connected
    }

    /// What somebody has changed about the stream so that it cannot be worked with any more.
    pub(crate) async fn flaws(&self) -> Option<String> {
        let info = self.info().await.ok()?;
        let flaws = stream::flaws(&info.config, &self.subjects);
        (!flaws.is_empty()).then(|| format!("stream {}: {}", self.stream_name, flaws.join("; ")))
    }

    /// What the stream's leader says of it.
    async fn info(&self) -> Result<Info, LogError> {
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
    async fn check_identity(&self) -> Result<(), LogError> {
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

    /// The first entry at or above `from`: from any replica, or from the leader when that one has none there.
    pub(crate) async fn first_from(&self, from: Seq) -> Result<Option<Entry>, LogError> {
        if let Some(message) = self.direct.at(from).await?
            && let Some(entry) = self.stored(message)?
        {
            return Ok(Some(entry));
        }
        self.leaders_next(from, EVERYTHING).await
    }

    /// The leader's first entry at or above `from` under a subject.
    pub(crate) async fn leaders_next(
        &self,
        mut from: Seq,
        filter: &str,
    ) -> Result<Option<Entry>, LogError> {
        loop {
            let answer = self.stream.get_first_raw_message_by_subject(filter, from);
            let Some(message) = found(answer.await)? else {
                return Ok(None);
            };
            from = message.sequence + 1;
            if let Some(entry) = self.entry_of(message)? {
                return Ok(Some(entry));
            }
        }
    }

    /// The leader's first message at or above `from`, whatever it is.
    pub(crate) async fn leaders_message(
        &self,
        from: Seq,
    ) -> Result<Option<StreamMessage>, LogError> {
        let answer = self
            .stream
            .get_first_raw_message_by_subject(EVERYTHING, from);
        found(answer.await)
    }

    /// The leader's message at `seq`.
    pub(crate) async fn leaders(&self, seq: Seq) -> Result<Option<StreamMessage>, LogError> {
        found(self.stream.get_raw_message(seq).await)
    }

    /// Reads what the stream holds.
    pub(crate) fn reader(&self) -> EntryReader {
        EntryReader::new(self.subjects.clone(), Arc::clone(&self.passed))
    }

    /// The entry that a message is, if it is one.
    pub(crate) fn entry_of(&self, message: StreamMessage) -> Result<Option<Entry>, LogError> {
        let (seq, headers) = (message.sequence, Some(&message.headers));
        let subject = &message.subject;
        self.reader()
            .entry(&Selection::All, seq, subject, headers, message.payload)
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
        let is_there = next.is_some_and(|next| next.sequence < found);
        if is_there || !deleted::were_deleted(self, from..found).await? {
            return Err(LogError::Gap { expected, found });
        }
        self.passed.deleted(from..found);
        Ok(())
    }
}

fn found(
    answer: Result<StreamMessage, RawMessageError>,
) -> Result<Option<StreamMessage>, LogError> {
    match answer {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => Err(LogError::unavailable(error)),
    }
}
