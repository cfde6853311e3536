//! From a client's cursor to the position where it starts: the same on every node.
//!
//! A time names the first event that is not earlier, whether the ring holds it, the log, or nobody yet. This node may
//! be behind the log, so what lies beyond its ring's end is asked of the log, never guessed.

use std::sync::Arc;
use std::time::Duration;

use fanjet_actors::Clock;
use fanjet_event::Cursor;
use fanjet_log::{EventLog, LogError, ReadLimit, Selection, Seq};
use thiserror::Error;

use super::{Answer, Desk, Page};
use crate::tail::{Stretch, Tail};

/// Where a subscriber starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With what comes next.
    Live,
    /// With the first event at or behind a position.
    At {
        /// The position; at most one above the log's last.
        seq: Seq,
        /// The cursor that stands for it until an event was delivered.
        cursor: u64,
        /// Whether it is the oldest event, whichever that is when it is read.
        oldest: bool,
        /// Whether the cursor asked for events that the log no longer has.
        clamped: bool,
        /// Unix microseconds: an event at or behind `seq` that is earlier was not asked for. 0 when there can be none.
        not_before: u64,
    },
}

impl Start {
    /// For metrics.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::At { clamped: true, .. } => "clamped",
            Self::At { oldest: true, .. } => "oldest",
            Self::At { .. } => "cursor",
        }
    }
}

/// A cursor whose position cannot be found now. Try again.
#[derive(Debug, Error)]
pub(crate) enum StartError {
    #[error("{0}")]
    Log(#[from] LogError),
    #[error("no answer in time")]
    TooLate,
}

/// Resolves cursors.
#[derive(Clone)]
pub(crate) struct Starts {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) tail: Tail,
    pub(crate) desk: Arc<Desk>,
    /// How long the log may take to answer.
    pub(crate) patience: Duration,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Starts {
    /// Where a subscriber with this cursor starts.
    ///
    /// # Errors
    /// [`StartError`] when the log must be asked and does not answer.
    pub(crate) async fn resolve(&self, cursor: Option<Cursor>) -> Result<Start, StartError> {
        let finding = async {
            match cursor {
                None => Ok(Start::Live),
                Some(Cursor::Seq(seq)) => self.at_seq(seq).await,
                Some(Cursor::TimeUs(time)) => self.at_time(time).await,
            }
        };
        let in_time = tokio::time::timeout(self.patience, finding).await;
        Ok(in_time.map_err(|_| StartError::TooLate)??)
    }

    async fn at_seq(&self, seq: Seq) -> Result<Start, LogError> {
        let head = self.tail.ring.head();
        if seq >= self.tail.ring.start() && head.end.is_some_and(|end| seq < end) {
            return Ok(exactly(seq, seq));
        }
        let bounds = self.log.bounds().await?;
        Ok(match seq {
            0 => oldest(bounds.first, seq, false),
            _ if seq < bounds.first => oldest(bounds.first, seq, true),
            _ => exactly(seq.min(bounds.last + 1), seq),
        })
    }

    async fn at_time(&self, time: u64) -> Result<Start, LogError> {
        if let Some(seq) = self.tail.ring.seq_at(time) {
            return Ok(exactly(seq, time));
        }
        if let Some(seq) = self.in_index(time).await {
            return Ok(exactly(seq, time));
        }
        // A cursor beyond the largest time that there can be stands for the end of the log.
        let asked = fanjet_event::TimeUs::new(time).unwrap_or(fanjet_event::TimeUs::MAX);
        let seq = self.log.seq_at(asked).await?;
        let bounds = self.log.bounds().await?;
        if seq > bounds.first || bounds.is_empty() {
            return Ok(self.perhaps_yet_to_come(seq, time));
        }
        let one = ReadLimit {
            entries: 1,
            bytes: usize::MAX,
        };
        let found = self.log.read(bounds.first, &Selection::All, one).await?;
        let Some(first) = found.entries.first() else {
            return Ok(oldest(bounds.first, time, true));
        };
        let first_time = first.time()?;
        self.tail.window.begins_with(first.seq, first_time);
        Ok(if time < first_time.get() {
            oldest(first.seq, time, true)
        } else {
            exactly(seq, time)
        })
    }

    /// A position that may be the log's end. Events that are on their way to it may be earlier than the time: ingest
    /// has given them theirs. A time in the future means live, so it holds nothing back.
    fn perhaps_yet_to_come(&self, seq: Seq, time: u64) -> Start {
        let is_past = time <= self.clock.now_us();
        Start::At {
            seq,
            cursor: time,
            oldest: false,
            clamped: false,
            not_before: if is_past { time } else { 0 },
        }
    }

    /// Searches the stretch that the index names, by pages that the replay will need anyway.
    async fn in_index(&self, time: u64) -> Option<Seq> {
        let mut stretch = self.tail.index.stretch(time)?;
        if stretch.before < self.tail.window.oldest().seq {
            return None;
        }
        loop {
            let probe = stretch.probe()?;
            let page = self.page(probe).await.filter(|page| page.covers(probe))?;
            match place_in(&page, stretch, time) {
                Place::Found(seq) => return Some(seq),
                Place::Within(narrower) => stretch = narrower,
                Place::Unknown => return None,
            }
        }
    }

    async fn page(&self, seq: Seq) -> Option<Arc<Page>> {
        loop {
            let page = match self.desk.page(seq, Selection::All) {
                Answer::Page(page) => page,
                Answer::Wait(page) => page.await.ok()?,
            };
            if page.next > seq {
                return Some(page);
            }
        }
    }
}

impl Stretch {
    /// Where to look next: directly behind its begin, when what is left is about one page.
    fn probe(self) -> Option<Seq> {
        const ABOUT_A_PAGE: u64 = 512;
        let width = self.reached.checked_sub(self.before)?;
        Some(if width <= ABOUT_A_PAGE {
            self.before + 1
        } else {
            self.before + width / 2
        })
    }
}

/// What a page says about a place.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Found(Seq),
    Within(Stretch),
    /// It has no event.
    Unknown,
}

/// The page covers a position behind the stretch's begin, and not behind its end.
fn place_in(page: &Page, stretch: Stretch, time: u64) -> Place {
    let (Some(first), Some(last)) = (page.entries.first(), page.entries.last()) else {
        return Place::Unknown;
    };
    if last.time().get() < time {
        return match last.seq() + 1 {
            next if next == stretch.reached => Place::Found(next),
            _ => Place::Within(Stretch {
                before: last.seq(),
                ..stretch
            }),
        };
    }
    if first.time().get() >= time && first.seq() > stretch.before + 1 {
        return Place::Within(Stretch {
            reached: first.seq(),
            ..stretch
        });
    }
    let at = page
        .entries
        .partition_point(|entry| entry.time().get() < time);
    page.entries
        .get(at)
        .map_or(Place::Unknown, |entry| Place::Found(entry.seq()))
}

fn exactly(seq: Seq, cursor: u64) -> Start {
    Start::At {
        seq,
        cursor,
        oldest: false,
        clamped: false,
        not_before: 0,
    }
}

fn oldest(seq: Seq, cursor: u64, clamped: bool) -> Start {
    Start::At {
        seq,
        cursor,
        oldest: true,
        clamped,
        not_before: 0,
    }
}

#[cfg(test)]
mod tests;
