//! Pages for sequential readers: a pull consumer that is kept from page to page.
//!
//! Only the middle of a replay is read this way, and selections of several subjects, which only a consumer supports. In
//! any unusual case (a gap, an error, the end of the log, a message larger than expected) the consumer is dropped, and
//! the page is read without one: that way distinguishes expired entries from lost ones, and knows the end of the log.
//!
//! Memory: the data that all consumers may send ahead is reserved before it is requested ([`Budget`]).

mod budget;
mod consumer;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fanjet_log::{LogError, Page, ReadLimit, Selection, Seq};
use tokio::time::Instant;

use crate::filling::Filling;
use crate::inner::Inner;

use budget::{Budget, Share};
use consumer::{Replay, Stop};

/// Remembered positions, and their consumers. Beyond that, the oldest are read without one.
const MAX_PLACES: usize = 256;
/// A reader without a request for this long has stopped, or is slow enough to be served without a consumer.
const STOPPED: Duration = Duration::from_secs(2);

/// The positions where pages ended; a reader may continue at each.
pub(crate) struct Replays {
    budget: Arc<Budget>,
    expected: Mutex<VecDeque<PageEnd>>,
}

/// A requested page.
pub(crate) struct PageRequest<'a> {
    pub(crate) from: Seq,
    /// The subjects of the request; empty for all.
    pub(crate) filters: Vec<String>,
    pub(crate) selection: &'a Selection,
    pub(crate) limit: ReadLimit,
}

/// A position where a page ended.
struct PageEnd {
    next: Seq,
    filters: Vec<String>,
    /// From the second page on.
    replay: Option<Replay>,
    since: Instant,
}

impl Replays {
    /// How much all consumers together may send ahead of their readers.
    pub(crate) fn new(read_ahead_bytes: usize) -> Self {
        Self {
            budget: Budget::new(read_ahead_bytes),
            expected: Mutex::default(),
        }
    }

    /// Remembers that a page ended here.
    pub(crate) fn expect(&self, next: Seq, filters: Vec<String>) {
        self.keep(PageEnd {
            next,
            filters,
            replay: None,
            since: Instant::now(),
        });
    }

    /// The page at `from`, if one ended there before. `None`: read it without a consumer.
    pub(crate) async fn page(
        &self,
        log: &Inner,
        asked: PageRequest<'_>,
    ) -> Result<Option<Page>, LogError> {
        let Some(place) = self.take(asked.from, &asked.filters) else {
            return Ok(None);
        };
        let replay = match place.replay {
            Some(replay) => Some(replay),
            None => self.open(log, &asked).await,
        };
        self.read(log, replay, asked).await
    }

    /// The page at `from` from a new consumer. `None`: read it without a consumer.
    pub(crate) async fn begin(
        &self,
        log: &Inner,
        asked: PageRequest<'_>,
    ) -> Result<Option<Page>, LogError> {
        let replay = self.open(log, &asked).await;
        self.read(log, replay, asked).await
    }

    async fn read(
        &self,
        log: &Inner,
        replay: Option<Replay>,
        asked: PageRequest<'_>,
    ) -> Result<Option<Page>, LogError> {
        let Some(mut replay) = replay else {
            return Ok(None);
        };
        let mut page = Filling::new(asked.from, asked.selection, asked.limit);
        let room = || self.room();
        let stop = replay.fill(log, &mut page, &room).await?;
        if page.next == asked.from {
            return Ok(None);
        }
        let page = match stop {
            // The end of a replica's messages, or of the matching ones, is not the end of the log.
            Stop::AtEnd => page.finish_before(log.bounds().await?),
            Stop::Enough | Stop::Odd => page.finish(false),
        };
        if stop != Stop::AtEnd {
            self.keep(PageEnd {
                next: page.next,
                filters: asked.filters,
                replay: (stop == Stop::Enough).then_some(replay),
                since: Instant::now(),
            });
        }
        Ok(Some(page))
    }

    async fn open(&self, log: &Inner, asked: &PageRequest<'_>) -> Option<Replay> {
        Replay::open(log, self.room()?, asked.from, &asked.filters).await
    }

    /// Reserves room for a consumer's data. Unless there is plenty, consumers of stopped readers are dropped for it.
    /// `None`: no room is available. Active readers keep theirs: they take turns, and the reader that waits longest is
    /// next.
    fn room(&self) -> Option<Share> {
        if !self.budget.is_plenty() {
            // Dropped outside the lock: each sends a request to the server.
            drop(self.take_stopped());
        }
        self.budget.share()
    }

    /// Removes the consumers that hold room for stopped readers.
    fn take_stopped(&self) -> Vec<Replay> {
        let Some(stopped) = Instant::now().checked_sub(STOPPED) else {
            return Vec::new();
        };
        let holds_room = |replay: &mut Replay| replay.holds_room();
        self.lock()
            .iter_mut()
            .filter(|place| place.since <= stopped)
            .filter_map(|place| place.replay.take_if(holds_room))
            .collect()
    }

    fn take(&self, next: Seq, filters: &[String]) -> Option<PageEnd> {
        let mut expected = self.lock();
        let at = expected
            .iter()
            .position(|place| place.next == next && place.filters == filters)?;
        expected.remove(at)
    }

    fn keep(&self, place: PageEnd) {
        let mut expected = self.lock();
        let oldest = if expected.len() == MAX_PLACES {
            expected.pop_front()
        } else {
            None
        };
        expected.push_back(place);
        drop(expected);
        // Outside the lock, as above.
        drop(oldest);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<PageEnd>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
