//! Where cursors of Jetstream v2 start, and how far its plans reach.
//!
//! A seq below the oldest kept event is refused, never moved: the client would not notice what it misses. One directly
//! below it is accepted, because its client has everything up to there. A time is moved, as in v1, and the stream begins
//! with a message that says so.

use std::sync::Arc;
use std::time::Duration;

use fanjet_event::Cursor;
use fanjet_log::{Bounds, LogError, Seq, first_seq};

use super::{Start, StartError, StartResolver, exactly, oldest};
use crate::tail::Head;

/// How long a plan's cursor must stay valid: a client fetches a dictionary and connects in between.
const PLAN_VALIDITY: Duration = Duration::from_secs(120);

/// The start of a v2 subscriber, or why it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum V2Start {
    /// It starts.
    At(Start),
    /// Events behind its cursor are gone.
    TooOld {
        /// The oldest kept event.
        floor: Seq,
    },
}

/// What the log holds for plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlanBounds {
    /// The oldest kept event, or the next one of an empty log.
    pub(crate) floor: Seq,
    /// Events up to here are an archive's, and everything behind it is the stream's.
    pub(crate) through: Seq,
}

impl StartResolver {
    /// Where a v2 subscriber with this cursor starts.
    ///
    /// # Errors
    /// As [`StartResolver::resolve`].
    pub(crate) async fn resolve_v2(&self, cursor: Option<Cursor>) -> Result<V2Start, StartError> {
        let before = self.tail.ring.head();
        let finding = async {
            Ok(match cursor {
                None => V2Start::At(Start::Live),
                Some(Cursor::Seq(seq)) => self.at_v2_seq(seq, before).await?,
                Some(Cursor::TimeUs(time)) => V2Start::At(self.at_v2_time(time, before).await?),
            })
        };
        Ok(match self.settle(before, finding).await? {
            V2Start::At(start) => V2Start::At(self.in_this_log(start, before)?),
            too_old => too_old,
        })
    }

    async fn at_v2_seq(&self, seq: Seq, head: Head) -> Result<V2Start, Arc<LogError>> {
        if let Some(start) = self.start_in_memory(seq, head) {
            return Ok(V2Start::At(start));
        }
        Ok(place(seq, self.lookups.bounds(head.generation).await?))
    }

    /// As in v1. A log without events may have had some at a past time, so its stream begins with the message, too.
    async fn at_v2_time(&self, time: u64, head: Head) -> Result<Start, Arc<LogError>> {
        let mut start = self.at_time(time, head).await?;
        // A past time behind the last event, if the log has one.
        if let Start::At {
            clamped,
            not_before: 1..,
            ..
        } = &mut start
        {
            *clamped = self.lookups.bounds(head.generation).await?.is_empty();
        }
        Ok(start)
    }

    /// How far plans reach. A log that has lost nothing needs no archive; in another one the oldest events may expire
    /// before a client has connected with the cursor of its plan.
    ///
    /// # Errors
    /// As [`StartResolver::resolve`].
    pub(crate) async fn plan_bounds(&self) -> Result<PlanBounds, StartError> {
        let head = self.tail.ring.head();
        let finding = async {
            let bounds = self.lookups.bounds(head.generation).await?;
            let floor = bounds.first;
            let mut through = floor.saturating_sub(1);
            if !bounds.is_empty()
                && !is_first(floor)
                && let Some(oldest) = self.oldest_time(head).await?
            {
                let valid_us = u64::try_from(PLAN_VALIDITY.as_micros()).unwrap_or(u64::MAX);
                let until = oldest.saturating_add(valid_us);
                // A log that keeps hardly more than that still has a past.
                let middle = floor.midpoint(bounds.last);
                if let Start::At { seq, .. } = self.at_time(until, head).await? {
                    through = through.max(seq.saturating_sub(1)).min(middle);
                }
            }
            Ok(PlanBounds { floor, through })
        };
        self.settle(head, finding).await
    }

    /// The time of the oldest event. A node that has not seen it yet asks the log.
    async fn oldest_time(&self, head: Head) -> Result<Option<u64>, Arc<LogError>> {
        if let Some(time) = self.tail.window.oldest().time {
            return Ok(Some(time.get()));
        }
        let oldest = self.first_at(0, head).await?.oldest;
        Ok(oldest.map(|(_, time)| time.get()))
    }
}

/// A cursor's place in a log with these bounds.
pub(super) fn place(cursor: Seq, bounds: Bounds) -> V2Start {
    let (floor, end) = (bounds.first, bounds.last + 1);
    // The first event of all.
    let is_everything = cursor <= 1;
    V2Start::At(match cursor.max(1) {
        future if future >= end => exactly(end, end),
        kept if kept >= floor => exactly(kept, kept),
        kept if kept + 1 == floor => exactly(floor, floor),
        _ if is_everything && bounds.is_empty() => exactly(end, end),
        _ if is_everything && is_first(floor) => oldest(floor, floor, false),
        _ => return V2Start::TooOld { floor },
    })
}

/// Whether a log that begins here has lost nothing: a log in use hardly ever begins at such a seq.
fn is_first(seq: Seq) -> bool {
    const SECOND_US: u64 = 1_000_000;
    let seconds = seq / first_seq(SECOND_US);
    seq <= 1 || first_seq(seconds.saturating_mul(SECOND_US)) == seq
}

#[cfg(test)]
mod tests;
