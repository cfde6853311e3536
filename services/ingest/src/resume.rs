//! Where to go on. The log is the only truth: its last event says everything.

use fanjet_event::TimeUs;
use fanjet_log::{Entry, LogError, Origin, Seq, UpstreamId};

/// The state that a leader starts from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Resume {
    /// The log's last seq; 0 for an empty log.
    pub(crate) seq: Seq,
    /// Its log time.
    pub(crate) time: Option<TimeUs>,
    /// Its origin.
    pub(crate) origin: Option<Origin>,
}

impl Resume {
    /// Reads the state from the log's last entry.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] when that entry is damaged.
    pub(crate) fn after(last: Option<&Entry>) -> Result<Self, LogError> {
        match last {
            None => Ok(Self::default()),
            Some(entry) => Ok(Self {
                seq: entry.seq,
                time: Some(entry.time()?),
                origin: Some(entry.origin.clone()),
            }),
        }
    }

    /// The cursor to give to `upstream`, which sends what is *behind* it: the frame before the last one logged, so
    /// that a commit that was logged in part comes again. `None` starts with what happens now.
    pub(crate) fn cursor(&self, upstream: &UpstreamId) -> Option<u64> {
        let origin = self
            .origin
            .as_ref()
            .filter(|origin| origin.upstream == *upstream)?;
        Some(cursor_before(origin.relay_seq))
    }
}

/// The cursor behind which the frame `relay_seq` is the next.
pub(crate) fn cursor_before(relay_seq: u64) -> u64 {
    relay_seq.saturating_sub(1)
}
