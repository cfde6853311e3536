//! From a client's cursor to the position where it starts: the same on every node.
//!
//! A time names the first event that is not earlier, whether the ring holds it, the log, or nobody yet. This node may
//! be behind the log, so what lies beyond its ring's end is asked of the log, never guessed. What the log has forgotten is
//! forgotten, though the ring may hold it still.

mod flights;
mod questions;

mod search;

use std::sync::Arc;
use std::time::Duration;

use fanjet_event::{Cursor, TimeUs};
use fanjet_log::{LogError, Seq};
use fanjet_runtime::Clock;
use thiserror::Error;

use self::questions::Placed;
use super::Desk;
use crate::damage::{Damage, Damages};
use crate::metrics::{MetBy, StartKind};
use crate::tail::{Generation, Head, Stretch, Tail};

pub(crate) use questions::Questions;

/// How much time is looked at for one cursor, in microseconds (8.4 s): cursors that lie in the same piece of time share what
/// was asked of the log for it.
const SPAN_US: u64 = 1 << 23;

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
        /// The log that the position is in.
        generation: Generation,
    },
}

impl Start {
    /// Whether it can be begun with, given where the ring ends: the log may have been replaced since it was found.
    pub(crate) fn is_in(self, head: Head) -> bool {
        match self {
            Self::Live => head.end.is_some(),
            Self::At { generation, .. } => head.end.is_some() && generation == head.generation,
        }
    }

    fn of(mut self, log: Generation) -> Self {
        if let Self::At { generation, .. } = &mut self {
            *generation = log;
        }
        self
    }

    /// As the metrics tell it.
    pub(crate) fn kind(self) -> StartKind {
        match self {
            Self::Live => StartKind::Live,
            Self::At { clamped: true, .. } => StartKind::Clamped,
            Self::At { oldest: true, .. } => StartKind::Oldest,
            Self::At { .. } => StartKind::Cursor,
        }
    }
}

/// A cursor whose position cannot be found now. Try again; but where the log is damaged an operator must act first.
#[derive(Debug, Error)]
pub(crate) enum StartError {
    #[error("{0}")]
    Log(Arc<LogError>),
    #[error("the log is damaged at seq {}", .0.seq)]
    Damaged(Damage),
    #[error("no answer in time")]
    TooLate,
    #[error("the log was replaced meanwhile")]
    Replaced,
}

/// Resolves cursors.
#[derive(Clone)]
pub(crate) struct Starts {
    pub(crate) questions: Arc<Questions>,
    pub(crate) tail: Tail,
    pub(crate) desk: Arc<Desk>,
    /// How long the log may take to answer.
    pub(crate) patience: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) damages: Damages,
}

impl Starts {
    /// Where a subscriber with this cursor starts.
    ///
    /// # Errors
    /// [`StartError`] when the log must be asked and does not answer.
    pub(crate) async fn resolve(&self, cursor: Option<Cursor>) -> Result<Start, StartError> {
        let before = self.tail.ring.head();
        let finding = async {
            match cursor {
                None => Ok(Start::Live),
                Some(Cursor::Seq(seq)) => self.at_seq(seq, before).await,
                Some(Cursor::TimeUs(time)) => self.at_time(time, before).await,
            }
        };
        let in_time = tokio::time::timeout(self.patience, finding).await;
        let found = in_time.map_err(|_| StartError::TooLate)?;
        let start = found.map_err(|failure| match self.damages.met(MetBy::Cursor, &failure) {
            Some(damage) => StartError::Damaged(damage),
            None => StartError::Log(failure),
        })?;
        let start = start.of(before.generation);
        if !start.is_in(self.tail.ring.head()) {
            return Err(StartError::Replaced);
        }
        Ok(start)
    }

    async fn at_seq(&self, seq: Seq, head: Head) -> Result<Start, Arc<LogError>> {
        let held_from = self.tail.ring.start().max(self.tail.window.oldest().seq);
        if seq >= held_from && head.end.is_some_and(|end| seq < end) {
            return Ok(exactly(seq, seq));
        }
        let bounds = self.questions.bounds(head.generation).await?;
        // One in the future stands for the end as it is now: kept as it is, it would pass over what comes until then.
        let at = seq.min(bounds.last + 1);
        Ok(match seq {
            0 => oldest(bounds.first, seq, false),
            _ if seq < bounds.first => oldest(bounds.first, seq, true),
            _ => exactly(at, at),
        })
    }

    async fn at_time(&self, time: u64, head: Head) -> Result<Start, Arc<LogError>> {
        if let Some(start) = self.remembered(time) {
            return Ok(start);
        }
        let known = self.tail.index.stretch(time);
        if let Some(seq) = self.search(known, time).await {
            return Ok(exactly(seq, time));
        }
        match self.within_a_span(time, head).await {
            // The event itself may be whole.
            Err(failure) if Damage::of(&failure).is_some() => self.asked_exactly(time, head).await,
            outcome => outcome,
        }
    }

    /// By the log's answers for the piece of time, which others may have asked for.
    async fn within_a_span(&self, time: u64, head: Head) -> Result<Start, Arc<LogError>> {
        let begin = self.first_at(time - time % SPAN_US, head).await?;
        if begin.is_end() {
            return Ok(self.beyond_the_end(begin.seq, time, head));
        }
        // The answer may have told where the log begins.
        if let Some(start) = self.remembered(time) {
            return Ok(start);
        }
        let end = (time - time % SPAN_US).saturating_add(SPAN_US);
        let end = self.first_at(end, head).await?;
        let between = Stretch {
            before: begin.seq.saturating_sub(1),
            reached: end.seq,
        };
        match self.search(Some(between), time).await {
            Some(seq) if seq < end.seq || !end.is_end() => Ok(exactly(seq, time)),
            Some(seq) => Ok(self.beyond_the_end(seq, time, head)),
            None => self.asked_exactly(time, head).await,
        }
    }

    /// What this node knows by itself. The ring may reach further back than the log.
    fn remembered(&self, time: u64) -> Option<Start> {
        let begins = self.tail.window.oldest();
        if let Some(seq) = self.tail.ring.seq_at(time)
            && seq > begins.seq
        {
            return Some(exactly(seq, time));
        }
        let first = begins.time?.get();
        if time < first {
            return Some(oldest(begins.seq, time, true));
        }
        (time == first).then(|| exactly(begins.seq, time))
    }

    /// While the log forgets what is being searched.
    async fn asked_exactly(&self, time: u64, head: Head) -> Result<Start, Arc<LogError>> {
        let found = self.first_at(time, head).await?;
        if found.is_end() {
            return Ok(self.beyond_the_end(found.seq, time, head));
        }
        Ok(self
            .remembered(time)
            .unwrap_or_else(|| exactly(found.seq, time)))
    }

    /// The first event that is not earlier, by the log; what that tells is remembered.
    async fn first_at(&self, time: u64, head: Head) -> Result<Placed, Arc<LogError>> {
        // A cursor beyond the largest time that there can be stands for the end of the log.
        let asked = TimeUs::new(time.max(TimeUs::MIN.get())).unwrap_or(TimeUs::MAX);
        let placed = self.questions.first_at(head.generation, asked).await?;
        self.tail.ring.unless_replaced(head.generation, || {
            if let Some((seq, time)) = placed.oldest {
                self.tail.window.begins_with(seq, time);
            }
            if !placed.is_end() {
                self.tail.index.learn(asked, placed.seq);
            }
        });
        Ok(placed)
    }

    /// Where one begins for whom the log has nothing yet. Events that are on their way to it may be earlier than the time:
    /// ingest has given them theirs. A time in the future means live, so it holds nothing back, and it is no cursor to
    /// come back with: what stands for it is what was the newest here when the log was asked.
    fn beyond_the_end(&self, seq: Seq, time: u64, head: Head) -> Start {
        let is_past = time <= self.clock.now_us();
        let newest = head.time.filter(|_| head.end.is_some_and(|end| end <= seq));
        let (cursor, not_before) = match newest {
            _ if is_past => (time, time),
            Some(newest) => (newest.get() + 1, 0),
            None => (seq, 0),
        };
        Start::At {
            seq,
            cursor,
            oldest: false,
            clamped: false,
            not_before,
            generation: head.generation,
        }
    }
}

fn exactly(seq: Seq, cursor: u64) -> Start {
    Start::At {
        seq,
        cursor,
        oldest: false,
        clamped: false,
        not_before: 0,
        generation: Generation::default(),
    }
}

fn oldest(seq: Seq, cursor: u64, clamped: bool) -> Start {
    Start::At {
        seq,
        cursor,
        oldest: true,
        clamped,
        not_before: 0,
        generation: Generation::default(),
    }
}

#[cfg(test)]
mod tests;
