//! The trait that every backend implements.

use async_trait::async_trait;
use fanjet_event::TimeUs;
use futures::stream::BoxStream;

use crate::{AppendError, Entry, LogError, LogIdentity, NewEvent, Selection, Seq};

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

    /// The bounds of the log. New events are written behind `last`, even while nothing is kept: a log never restarts
    /// its numbering, however much of it has expired or was purged.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    async fn bounds(&self) -> Result<Bounds, LogError>;

    /// The newest entry, read from the log's leader (never from a lagging replica); `None` when nothing is kept. That
    /// does not mean that the log was never written, nor that no skipped seq is behind the entry: use
    /// [`EventLog::bounds`] for the end of the log.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Corrupt`].
    async fn last(&self) -> Result<Option<Entry>, LogError>;

    /// Reads one page of entries that `selection` matches, in order, from `from` (or the oldest kept entry, if that is
    /// newer). Returns at least one entry if there is one, however large it is; but a backend may stop in a long
    /// stretch without a match and return an empty page that is not at the end. A page may fail because of damage
    /// behind its first entries; a page limited to the entries before the damage does not.
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

    /// Opens the log for writing directly behind `after`: the seq of its last entry, or [`Bounds::last`] when nothing
    /// is kept. Opening fences no other writer: the first append that finds the log's end elsewhere fails with
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

/// Batches of entries in order; an empty batch is a heartbeat. Contiguous under [`Selection::All`], except for seqs
/// that certainly hold no event ([`SkippedSeqs`]): a gap ends the stream with [`LogError::Gap`] before anything newer
/// is returned. After an error the stream is finished; follow again from one above the last entry.
pub type Follow = BoxStream<'static, Result<Vec<Entry>, LogError>>;

/// One writer of the log, with a bounded number of unacknowledged events.
///
/// Invariant: the log holds the appended events in order, each once, directly behind each other, and nothing behind a
/// rejected one. If another writer appends in between, all later appends fail.
#[async_trait]
pub trait Appender: Send {
    /// Queues events behind all earlier ones. Waits while the window of unacknowledged events is full.
    ///
    /// # Errors
    /// [`AppendError`] of these events or of earlier ones; the appender is finished then.
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
    /// The oldest kept entry. One above `last` when nothing is kept: the seq that the next event gets.
    pub first: Seq,
    /// The newest entry ever written, kept or not; one below the first seq in a log that was never written.
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
    /// Where to continue: above every scanned entry, never below the requested `from`. One above the log's last entry
    /// when the end was reached from inside.
    pub next: Seq,
    /// Whether the page reaches the end of the log.
    pub at_end: bool,
}
