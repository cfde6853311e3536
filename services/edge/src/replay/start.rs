//! Resolves a client's cursor to the seq where it starts: the same on every node.
//!
//! A time selects the first event that is not earlier, whether it is in the ring, in the log or does not exist yet. This node
//! may be behind the log, so seqs after its ring's end are looked up in the log, never guessed. Events that the log has
//! deleted are not used, even when the ring still has them.

mod single_flight;
mod lookups;

mod search;
mod v2;

use std::sync::Arc;
use std::time::Duration;

use fanjet_event::{Cursor, TimeUs};
use fanjet_log::{LogError, Seq};
use fanjet_runtime::Clock;
use thiserror::Error;

use self::lookups::TimeLookup;
use super::{LocalTier, PageRequests};
use crate::damage::{Damage, DamageReports};
use crate::metrics::{DamageSource, StartKind};
use crate::tail::{Generation, Head, SeqRange, Tail};

pub(crate) use lookups::LogLookups;
pub(crate) use v2::{PlanBounds, V2Start};

/// The time range looked up for one cursor, in microseconds (8.4 s): cursors in the same range share the log's answers.
const SPAN_US: u64 = 1 << 23;

/// Where a subscriber starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the next event.
    Live,
    /// At the first event at or after a seq.
    At {
        /// The seq; at most one above the log's last.
        seq: Seq,
        /// The cursor that represents the start until an event was delivered.
        cursor: u64,
        /// Whether it is the oldest event at the time of the read.
        oldest: bool,
        /// Whether the cursor asked for events that the log no longer has.
        clamped: bool,
        /// Unix microseconds: earlier events at or after `seq` were not requested. 0 when there can be none.
        not_before: u64,
        /// The log that the seq belongs to.
        generation: Generation,
    },
}

impl Start {
    /// Whether the start is still valid, given the ring's head: the log may have been replaced since it was resolved.
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

    /// The label for metrics.
    pub(crate) fn kind(self) -> StartKind {
        match self {
            Self::Live => StartKind::Live,
            Self::At { clamped: true, .. } => StartKind::Clamped,
            Self::At { oldest: true, .. } => StartKind::Oldest,
            Self::At { .. } => StartKind::Cursor,
        }
    }
}

/// A cursor that cannot be resolved now. Clients may retry, but damage needs an operator.
#[derive(Debug, Error)]
pub(crate) enum StartError {
    #[error("{0}")]
    Log(Arc<LogError>),
    #[error("the log is damaged at seq {}", .0.seq)]
    Damaged(Damage),
    #[error("the log did not answer in time")]
    TooLate,
    #[error("the log was replaced during the lookup")]
    Replaced,
}

/// Resolves cursors.
#[derive(Clone)]
pub(crate) struct StartResolver {
    pub(crate) lookups: Arc<LogLookups>,
    pub(crate) tail: Tail,
    pub(crate) page_requests: Arc<PageRequests>,
    /// Asked before the log, if there is one.
    pub(crate) tier: Option<LocalTier>,
    /// How long the log may take to answer.
    pub(crate) timeout: Duration,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) damage_reports: DamageReports,
}

impl StartResolver {
    /// Resolves the start of a subscriber with this cursor.
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
        let start = self.settle(before, finding).await?;
        self.in_this_log(start, before)
    }

    /// What was found in time.
    async fn settle<T>(
        &self,
        before: Head,
        finding: impl Future<Output = Result<T, Arc<LogError>>>,
    ) -> Result<T, StartError> {
        let in_time = tokio::time::timeout(self.timeout, finding).await;
        let found = in_time.map_err(|_| StartError::TooLate)?;
        let found = found.map_err(|failure| {
            match self.damage_reports.report(DamageSource::Cursor, &failure) {
                Some(damage) => StartError::Damaged(damage),
                None => StartError::Log(failure),
            }
        })?;
        match self.tail.ring.head().generation == before.generation {
            true => Ok(found),
            false => Err(StartError::Replaced),
        }
    }

    /// A start that was found, unless the log was replaced meanwhile.
    fn in_this_log(&self, start: Start, before: Head) -> Result<Start, StartError> {
        let start = start.of(before.generation);
        match start.is_in(self.tail.ring.head()) {
            true => Ok(start),
            false => Err(StartError::Replaced),
        }
    }

    async fn at_seq(&self, seq: Seq, head: Head) -> Result<Start, Arc<LogError>> {
        if let Some(start) = self.start_in_memory(seq, head) {
            return Ok(start);
        }
        let bounds = self.lookups.bounds(head.generation).await?;
        // A future seq means the current end: used as it is, it would skip events until then.
        let at = seq.min(bounds.last + 1);
        Ok(match seq {
            0 => oldest(bounds.first, seq, false),
            _ if seq < bounds.first => oldest(bounds.first, seq, true),
            _ => exactly(at, at),
        })
    }

    /// A position that this node holds itself.
    fn start_in_memory(&self, seq: Seq, head: Head) -> Option<Start> {
        let held_from = self.tail.ring.start().max(self.tail.window.oldest().seq);
        let is_held = seq >= held_from && head.end.is_some_and(|end| seq < end);
        is_held.then(|| exactly(seq, seq))
    }

    async fn at_time(&self, time: u64, head: Head) -> Result<Start, Arc<LogError>> {
        if let Some(start) = self.remembered(time) {
            return Ok(start);
        }
        if let Some(tier) = &self.tier
            && let Some(seq) = tier.seq_at(head.generation, time).await
        {
            return Ok(exactly(seq, time));
        }
        let known = self.tail.index.seq_range(time);
        if let Some(seq) = self.search(known, time).await {
            return Ok(exactly(seq, time));
        }
        match self.within_a_span(time, head).await {
            // The event itself may be intact.
            Err(failure) if Damage::of(&failure).is_some() => self.asked_exactly(time, head).await,
            outcome => outcome,
        }
    }

    /// Uses the log's answers for the time range, which other cursors may share.
    async fn within_a_span(&self, time: u64, head: Head) -> Result<Start, Arc<LogError>> {
        let begin = self.first_at(time - time % SPAN_US, head).await?;
        if begin.is_end() {
            return Ok(self.beyond_the_end(begin.seq, time, head));
        }
        // The lookup may have found the log's first event.
        if let Some(start) = self.remembered(time) {
            return Ok(start);
        }
        let end = (time - time % SPAN_US).saturating_add(SPAN_US);
        let end = self.first_at(end, head).await?;
        let between = SeqRange {
            before: begin.seq.saturating_sub(1),
            reached: end.seq,
        };
        match self.search(Some(between), time).await {
            Some(seq) if seq < end.seq || !end.is_end() => Ok(exactly(seq, time)),
            Some(seq) => Ok(self.beyond_the_end(seq, time, head)),
            None => self.asked_exactly(time, head).await,
        }
    }

    /// What this node knows without the log. The ring may reach further back than the log.
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

    /// Asks for this exact time, because the log deleted what was being searched.
    async fn asked_exactly(&self, time: u64, head: Head) -> Result<Start, Arc<LogError>> {
        let found = self.first_at(time, head).await?;
        if found.is_end() {
            return Ok(self.beyond_the_end(found.seq, time, head));
        }
        Ok(self
            .remembered(time)
            .unwrap_or_else(|| exactly(found.seq, time)))
    }

    /// The log's first event that is not earlier; the answer is remembered.
    async fn first_at(&self, time: u64, head: Head) -> Result<TimeLookup, Arc<LogError>> {
        // A cursor above the maximum time means the end of the log.
        let asked = TimeUs::new(time.max(TimeUs::MIN.get())).unwrap_or(TimeUs::MAX);
        let placed = self.lookups.first_at(head.generation, asked).await?;
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

    /// The start of a cursor after the log's end. Events that ingest has already stamped may be earlier than that time and
    /// still arrive. A future time means live: it holds nothing back and cannot be a resume cursor, so the newest local event
    /// at the time of the lookup becomes the cursor.
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
