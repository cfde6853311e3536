//! The log itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanjet_event::TimeUs;
use fanjet_log::{
    AppendError, Appender, Bounds, Entry, EventLog, Follow, LogError, LogIdentity, Page, ReadLimit,
    Selection, Seq, SkippedSeqs, TopicFilter, first_seq,
};
use tracing::warn;

use crate::append::NatsAppender;
use crate::config::NatsConfig;
use crate::connect::{Link, Purpose};
use crate::direct::Direct;
use crate::inner::{self, Inner};
use crate::lease::NatsLease;
use crate::pinned::{self, Pinned};
use crate::reads::Reads;
use crate::replay::Replays;
use crate::spread::Spread;
use crate::subject::Subjects;
use crate::{follow, newest, read, seek, stream};

pub(crate) const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The log in a NATS JetStream stream. Clones share the connections, and the log that is read.
#[derive(Clone)]
pub struct NatsLog {
    pub(crate) inner: Arc<Inner>,
    replays: Arc<Replays>,
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

    /// Connects, however long no server responds. A new stream starts at the [`first_seq`] for the Unix microseconds
    /// that `now_us` returns.
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
        NatsLease::of(Arc::clone(&self.inner))
    }

    /// The same log on the same connections for another part of the process, which has to
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
                reads: Arc::clone(&inner.reads),
                direct: inner.direct.clone(),
                pinned: Pinned::new(inner.pinned.identity()),
                passed: Arc::clone(&inner.passed),
                deleted: Arc::clone(&inner.deleted),
                spread: Arc::clone(&inner.spread),
                stream: inner.stream.clone(),
            }),
            replays: Arc::clone(&self.replays),
        }
    }

    pub(crate) async fn open(config: NatsConfig, first: Seq) -> Result<Self, LogError> {
        let subjects = Subjects::configured(&config.stream)?;
        let link = Link::open(&config, Purpose::Main).await?;
        let jetstream = link.jetstream(&config);
        let found = stream::ensure(&jetstream, &config.stream, &subjects, first).await?;
        let stream_name = config.stream.name.clone();
        let stream = jetstream
            .get_stream_no_info(&stream_name)
            .await
            .map_err(LogError::unavailable)?;
        let replays = Arc::new(Replays::new(config.read_ahead_bytes));
        let reads = Arc::new(Reads::new(&config, Purpose::Reads, &link));
        let direct = Direct::new(Arc::clone(&reads), &config, &stream_name);
        Ok(Self {
            inner: Arc::new(Inner {
                config,
                subjects,
                link,
                jetstream,
                stream_name,
                reads,
                direct,
                pinned: Pinned::new(pinned::identity(&found)),
                passed: Arc::default(),
                deleted: Arc::default(),
                spread: Arc::default(),
                stream,
            }),
            replays,
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
        Ok(inner::bounds(&self.inner.info().await?))
    }

    async fn last(&self) -> Result<Option<Entry>, LogError> {
        newest::newest(&self.inner, self.bounds().await?).await
    }

    async fn last_of(&self, filters: &[TopicFilter]) -> Result<Vec<Option<Entry>>, LogError> {
        self.inner.check_identity().await?;
        newest::newest_of(self, &self.inner, filters).await
    }

    async fn read(
        &self,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Result<Page, LogError> {
        self.inner.check_identity().await?;
        read::page(&self.inner, &self.replays, from.max(1), selection, limit).await
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

    fn skipped_seqs(&self) -> SkippedSeqs {
        self.inner.passed.count()
    }
}
