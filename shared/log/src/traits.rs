//! The trait.

use async_trait::async_trait;
use fanjet_event::TimeUs;
use futures::stream::BoxStream;

use crate::{AppendError, Entry, LogError, LogIdentity, NewEvent, Selection, Seq};

/// One ordered log. Shared by all readers of a process.
///
/// What stands at the log's place can be replaced by another log: a stream that was deleted and made anew. Reading
/// (`read`, `follow`, `seq_at`) is about the log that was opened, or adopted last, and fails with [`LogError::Replaced`]
/// in another one. Everything else is about the log that is there.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// Which log is there, as its authority sees it.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    async fn identity(&self) -> Result<LogIdentity, LogError>;

    /// Makes the log that is there the one that is read from now on, for everybody who shares this; returns which it is.
    /// Follows that were opened before still end with [`LogError::Replaced`], if it is another one.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    async fn adopt(&self) -> Result<LogIdentity, LogError>;

    /// What the log holds now. The place to write is behind `last`, also while nothing is kept: a log never numbers
    /// anew, however much of it has expired or was purged.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    async fn bounds(&self) -> Result<Bounds, LogError>;

    /// The newest entry, as the log's authority sees it (never a lagging copy); `None` when nothing is kept. That does
    /// not mean that nothing was ever written, nor that nothing stands behind it that is no entry: where the log ends,
    /// [`EventLog::bounds`] says.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Corrupt`].
    async fn last(&self) -> Result<Option<Entry>, LogError>;

    /// Reads one page of entries that `selection` matches, in order, from `from` (or the oldest kept, when that
    /// is newer). At least one entry when there is any, however large it is; but a backend may stop in a long
    /// stretch without a match, with an empty page that is not at the end. A page may fail for damage behind its first
    /// entries; one that is asked for less than what lies before the damage does not.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Gap`], [`LogError::Replaced`], [`LogError::Corrupt`].
    async fn read(
        &self,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Result<Page, LogError>;

    /// Everything that `selection` matches from `from` on (or the oldest kept, when that is newer), then what
    /// is appended, as it is appended.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Replaced`], [`LogError::Misconfigured`].
    async fn follow(&self, from: Seq, selection: &Selection) -> Result<Follow, LogError>;

    /// The seq of the first kept entry whose log time is not below `time`; one above the last when there is none.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Replaced`], [`LogError::Corrupt`].
    async fn seq_at(&self, time: TimeUs) -> Result<Seq, LogError>;

    /// Opens the log for writing directly behind `after`: the seq of its last entry, or [`Bounds::last`] when nothing is
    /// kept. Opening does not fence anybody out: the first append
    /// that finds the log's end elsewhere fails with [`AppendError::Fenced`].
    ///
    /// # Errors
    /// [`AppendError::Unavailable`].
    async fn appender(&self, after: Seq) -> Result<Box<dyn Appender>, AppendError>;

    /// Places without an event that reads have passed over since the log was opened.
    fn passed_over(&self) -> PassedOver {
        PassedOver::default()
    }
}

/// Batches of entries in order; an empty batch says "alive, nothing new". Contiguous under
/// [`Selection::All`], but for places that certainly hold no event ([`PassedOver`]): a gap ends the stream with
/// [`LogError::Gap`] before anything newer is shown. After an error the stream is finished; follow again from one above
/// the last entry seen.
pub type Follow = BoxStream<'static, Result<Vec<Entry>, LogError>>;

/// One writer of the log, with a bounded number of unacknowledged events under way.
///
/// Invariant: the log holds the appended events in order, each once, directly behind each other, and nothing
/// behind a refused one. Whoever else wrote in between, all later appends fail.
#[async_trait]
pub trait Appender: Send {
    /// Queues events behind all queued before. Waits while the window of unacknowledged ones is full.
    ///
    /// # Errors
    /// [`AppendError`] of these events or of earlier ones; the appender is finished then.
    async fn append(&mut self, events: &[NewEvent]) -> Result<(), AppendError>;

    /// Waits until everything queued is acknowledged; returns the seq of the last.
    ///
    /// # Errors
    /// As [`Appender::append`].
    async fn flush(&mut self) -> Result<Seq, AppendError>;

    /// The seq up to which every event is acknowledged: durable by the backend's settings. Starts at the
    /// `after` of [`EventLog::appender`].
    fn acked(&self) -> Seq;
}

/// What a log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The oldest entry that is kept. One above `last` when nothing is: the seq that the next event gets.
    pub first: Seq,
    /// The newest entry that ever was, kept or not; one below the first seq in a log that never held anything.
    pub last: Seq,
}

impl Bounds {
    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.first > self.last
    }
}

/// Places of a log that hold no event, each counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PassedOver {
    /// Somebody else wrote there: what it holds was never an event.
    pub foreign: u64,
    /// What was there was taken out of the log's middle, by the word of the log's authority.
    pub deleted: u64,
}

/// How much one page may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    /// Entries, at least 1.
    pub entries: usize,
    /// Bytes of bodies. The first entry may exceed it alone.
    pub bytes: usize,
}

/// One page of a read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Matching entries in order.
    pub entries: Vec<Entry>,
    /// Where to read on: above every entry that was looked at, never below the asked `from`. One above the
    /// log's last when the end was reached from inside.
    pub next: Seq,
    /// Whether the end of the log was reached.
    pub at_end: bool,
}
