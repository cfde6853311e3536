//! The trait that every backend implements.

use async_trait::async_trait;
use fanjet_event::TimeUs;
use futures::stream::BoxStream;

use crate::{AppendError, Entry, LogError, LogIdentity, NewEvent, Selection, Seq, TopicFilter};

/// One ordered log. Shared by all readers of a process.
///
/// The log at this place can be replaced by another one: a stream that was deleted and re-created. Reads (`read`,
/// `follow`, `seq_at`) refer to the log that was opened, or adopted last, and fail with [`LogError::Replaced`] in
/// another one. Everything else refers to the current log.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// The identity of the current log, according to its leader.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    async fn identity(&self) -> Result<LogIdentity, LogError>;

    /// Makes the current log the one that all sharers of this handle read from now on; returns its identity. Follows
    /// that were opened before still end with [`LogError::Replaced`] if it is another log.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    async fn adopt(&self) -> Result<LogIdentity, LogError>;

    /// The bounds of the log. The next event gets the seq after `last`, even if no event is kept: a log never restarts its
    /// numbering, however much of it has expired or was purged.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    async fn bounds(&self) -> Result<Bounds, LogError>;

    /// The newest entry, read from the log's leader (never from a lagging replica). `None` if no event is kept, although
    /// the log may have been written before. Skipped seqs may follow the entry, so use [`EventLog::bounds`] for the end of
    /// the log.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Corrupt`].
    async fn last(&self) -> Result<Option<Entry>, LogError>;

    /// For each filter the newest entry that it matches. Read from the log's leader, or from a reader that reached the end that
    /// the leader knows. A backend without an index reads the whole log.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    async fn last_of(&self, filters: &[TopicFilter]) -> Result<Vec<Option<Entry>>, LogError> {
        last_by_scan(self, filters).await
    }

    /// Reads one page of entries that `selection` matches, in order, from `from` (or the oldest kept entry, if that is
    /// newer). Returns at least one matching entry, however large it is. Only in a long stretch without a match may a
    /// backend return an empty page that is not at the end. A page may fail because of damage after its first entries; a
    /// page whose limit ends before the damage does not.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Gap`], [`LogError::Replaced`], [`LogError::Corrupt`].
    async fn read(
        &self,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Result<Page, LogError>;

    /// Streams everything that `selection` matches from `from` on (or the oldest kept entry, if that is newer), and
    /// then new entries as they are appended.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Replaced`], [`LogError::Misconfigured`].
    async fn follow(&self, from: Seq, selection: &Selection) -> Result<Follow, LogError>;

    /// The seq of the first kept entry whose log time is at least `time`; one above the last if there is none.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Replaced`], [`LogError::Corrupt`].
    async fn seq_at(&self, time: TimeUs) -> Result<Seq, LogError>;

    /// Opens the log to append directly after `after`: the seq of its last entry, or [`Bounds::last`] if no event is kept.
    /// Opening does not fence other writers: whichever writer next finds that the log ends elsewhere gets
    /// [`AppendError::Fenced`].
    ///
    /// # Errors
    /// [`AppendError::Unavailable`].
    async fn appender(&self, after: Seq) -> Result<Box<dyn Appender>, AppendError>;

    /// Seqs without an event that reads have skipped since the log was opened.
    fn skipped_seqs(&self) -> SkippedSeqs {
        SkippedSeqs::default()
    }
}

/// [`EventLog::last_of`] without an index: reads the whole log once.
///
/// # Errors
/// As [`EventLog::read`].
pub async fn last_by_scan<L: EventLog + ?Sized>(
    log: &L,
    filters: &[TopicFilter],
) -> Result<Vec<Option<Entry>>, LogError> {
    let selection = Selection::only(filters.iter().cloned());
    let limit = ReadLimit {
        entries: 1_000,
        bytes: 4 << 20,
    };
    let mut found = vec![None; filters.len()];
    let mut from = 0;
    loop {
        let page = log.read(from, &selection, limit).await?;
        for entry in page.entries {
            let filters = filters.iter().zip(&mut found);
            for (_, slot) in filters.filter(|(filter, _)| filter.matches(&entry.topic)) {
                *slot = Some(entry.clone());
            }
        }
        if page.at_end {
            return Ok(found);
        }
        from = page.next;
    }
}

/// Batches of entries in order; an empty batch is a heartbeat. Contiguous under [`Selection::All`], except for seqs
/// that certainly hold no event ([`SkippedSeqs`]): a gap ends the stream with [`LogError::Gap`] before anything newer
/// is returned. After an error the stream is finished; follow again from one above the last entry.
pub type Follow = BoxStream<'static, Result<Vec<Entry>, LogError>>;

/// One writer of the log, with a bounded number of unacknowledged events.
///
/// Invariant: the log holds the appended events in order, each once, without another entry in between, and none after a
/// rejected one. If another writer appends in between, all later appends fail.
#[async_trait]
pub trait Appender: Send {
    /// Queues events after all earlier ones. Waits while the window of unacknowledged events is full.
    ///
    /// # Errors
    /// [`AppendError`] of these events or of earlier ones. The appender is finished then.
    async fn append(&mut self, events: &[NewEvent]) -> Result<(), AppendError>;

    /// Waits until all queued events are acknowledged; returns the seq of the last.
    ///
    /// # Errors
    /// As [`Appender::append`].
    async fn flush(&mut self) -> Result<Seq, AppendError>;

    /// The seq up to which every event is acknowledged: durable according to the backend's settings. Starts at the
    /// `after` of [`EventLog::appender`].
    fn acked(&self) -> Seq;
}

/// The bounds of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The oldest kept entry. If none is kept, the seq of the next event, which is one above `last`.
    pub first: Seq,
    /// The newest entry ever written, even if it is no longer kept. In a log that was never written, one below its first seq.
    pub last: Seq,
}

impl Bounds {
    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.first > self.last
    }
}

/// Seqs of a log that hold no event, each counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SkippedSeqs {
    /// Another program published there: that message was never an event.
    pub foreign: u64,
    /// The entry was deleted from the middle of the log, according to the log's leader.
    pub deleted: u64,
}

impl SkippedSeqs {
    /// Each kind under the name that metrics give it.
    pub fn by_kind(self) -> [(&'static str, u64); 2] {
        [("foreign", self.foreign), ("deleted", self.deleted)]
    }
}

/// Limits of one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    /// Entries, at least 1.
    pub entries: usize,
    /// Bytes of bodies. The first entry may exceed this.
    pub bytes: usize,
}

/// One page of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Matching entries in order.
    pub entries: Vec<Entry>,
    /// The seq to continue from: above every scanned entry, and never below the requested `from`. If the scan reached the
    /// end, one above the log's last entry.
    pub next: Seq,
    /// Whether the page reaches the end of the log.
    pub at_end: bool,
}
