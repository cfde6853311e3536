//! Traffic since this node started, counted by the feeder once per event.

use std::time::Duration;

use fanjet_event::{TimeUs, Topic};
use fanjet_log::LogError;
use parking_lot::Mutex;

use super::{CollectionId, Entry};

/// Written by the feeder per batch, read once per second.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    counts: Mutex<Counts>,
}

/// All counts at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    pub(crate) events: u64,
    /// Bytes of JSON.
    pub(crate) bytes: u64,
    /// By [`Row::index`]. Bounded by the numbered collections.
    pub(crate) rows: Vec<Count>,
    pub(crate) newest: Option<Newest>,
}

/// The counts of one row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Count {
    pub(crate) events: u64,
    pub(crate) last: Option<TimeUs>,
}

/// What is counted separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Row {
    Identity,
    Account,
    Sync,
    /// Collections without a number.
    Unnumbered,
    Collection(CollectionId),
}

/// The lag of the newest event on arrival.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Newest {
    /// Behind its log time in seconds, see [`lag_seconds`].
    pub(crate) log_lag: f64,
    /// Behind the upstream's timestamp, if it is readable.
    pub(crate) upstream_lag: Option<Duration>,
}

/// Seconds from the log time to now. Negative when the stamping clock is, or was, ahead of this one.
pub(crate) fn lag_seconds(now_us: u64, time: TimeUs) -> f64 {
    // Both are exact: far below 2^53.
    (now_us as f64 - time.get() as f64) / 1e6
}

impl Row {
    /// The number of rows before the collections.
    pub(crate) const FIXED: usize = 4;

    fn of(entry: &Entry) -> Self {
        match (entry.topic(), entry.collection()) {
            (Topic::Identity, _) => Self::Identity,
            (Topic::Account, _) => Self::Account,
            (Topic::Sync, _) => Self::Sync,
            (Topic::Commit(_), None) | (Topic::Frame(_) | Topic::Labels(_), _) => Self::Unnumbered,
            (Topic::Commit(_), Some(id)) => Self::Collection(id),
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Identity => 0,
            Self::Account => 1,
            Self::Sync => 2,
            Self::Unnumbered => 3,
            Self::Collection(id) => Self::FIXED + id.index(),
        }
    }
}

impl Traffic {
    /// Counts events that entered the log after the node started.
    pub(crate) fn count<'a>(&self, entries: impl Iterator<Item = &'a Entry>) {
        let mut counts = self.counts.lock();
        for entry in entries {
            counts.add(entry);
        }
    }

    /// Records the arrival of the newest event.
    ///
    /// # Errors
    /// [`LogError`] without a valid time.
    pub(crate) fn arrived(&self, newest: &fanjet_log::Entry, now_us: u64) -> Result<(), LogError> {
        let since = |then: u64| Duration::from_micros(now_us.saturating_sub(then));
        let upstream_us = newest.origin.time.unix_us();
        let upstream_us = upstream_us.and_then(|us| u64::try_from(us).ok());
        let newest = Newest {
            log_lag: lag_seconds(now_us, newest.time()?),
            upstream_lag: upstream_us.map(since),
        };
        self.counts.lock().newest = Some(newest);
        Ok(())
    }

    /// All counts.
    pub(crate) fn counts(&self) -> Counts {
        self.counts.lock().clone()
    }
}

impl Counts {
    fn add(&mut self, entry: &Entry) {
        let at = Row::of(entry).index();
        if self.rows.len() <= at {
            self.rows.resize(at + 1, Count::default());
        }
        let row = &mut self.rows[at];
        row.events += 1;
        row.last = Some(entry.time());
        self.events += 1;
        self.bytes += entry.json_len() as u64;
    }
}
