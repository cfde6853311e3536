//! Pages for readers that read on: a pull consumer that is kept from page to page.
//!
//! Only the middle of a replay is read this way, and whatever several subjects select, which only a consumer can be asked
//! for. Whenever anything is odd (a hole, an error, the end of the log, a message larger than asked for) the consumer is
//! dropped, and the page is read as if there had been none: that way knows the difference between an expired entry and a
//! lost one, and where the log ends.
//!
//! Memory: what all consumers together may have sent ahead is reserved before it is asked for ([`Budget`]).

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

/// Places that are remembered, and consumers that are kept at them. With more, the oldest are read without.
const MAX_PLACES: usize = 256;
/// A reader that has not asked for so long has stopped, or is slow enough to be served without a consumer.
const STOPPED: Duration = Duration::from_secs(2);

/// The places where pages ended, at each of which its reader may go on.
pub(crate) struct Replays {
    budget: Arc<Budget>,
    expected: Mutex<VecDeque<Place>>,
}

/// A page that is asked for.
pub(crate) struct PageRequest<'a> {
    pub(crate) from: Seq,
    /// The subjects that the server is asked for; none for all.
    pub(crate) filters: Vec<String>,
    pub(crate) selection: &'a Selection,
    pub(crate) limit: ReadLimit,
}

/// Where a page ended.
struct Place {
    next: Seq,
    filters: Vec<String>,
    /// From the second page on.
    replay: Option<Replay>,
    since: Instant,
}

impl Replays {
    /// Consumers may send at most so many bytes ahead of their readers, all together.
    pub(crate) fn new(read_ahead_bytes: usize) -> Self {
        Self {
            budget: Budget::new(read_ahead_bytes),
            expected: Mutex::default(),
        }
    }

    /// Remembers that a page ended here.
    pub(crate) fn expect(&self, next: Seq, filters: Vec<String>) {
        self.keep(Place {
            next,
            filters,
            replay: None,
            since: Instant::now(),
        });
    }

    /// The page at `from`, if one ended there before. `None`: read it otherwise.
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

    /// The page at `from` from a new consumer. `None`: read it otherwise.
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
            // Where a replica's messages end, or those that match, the log need not end.
            Stop::AtEnd => page.finish_before(log.bounds().await?),
            Stop::Enough | Stop::Odd => page.finish(false),
        };
        if stop != Stop::AtEnd {
            self.keep(Place {
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

    /// Room for what a consumer sends ahead. Unless there is plenty, those whose readers have stopped make room for it.
    /// `None`: there is none to be had. It is not taken from readers that go on: they take turns, so the one that waits
    /// longest is the one that comes next.
    fn room(&self) -> Option<Share> {
        if !self.budget.is_plenty() {
            // Dropped outside the lock: each says goodbye to the server.
            drop(self.take_stopped());
        }
        self.budget.share()
    }

    /// Takes the consumers that hold room for readers that have stopped.
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

    fn take(&self, next: Seq, filters: &[String]) -> Option<Place> {
        let mut expected = self.lock();
        let at = expected
            .iter()
            .position(|place| place.next == next && place.filters == filters)?;
        expected.remove(at)
    }

    fn keep(&self, place: Place) {
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

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Place>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
