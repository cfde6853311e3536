//! What one client received, and the second check: from its start on, every event of the log that its filter matches,
//! once and in order, whatever happened in between. Events that were deleted may be missing where a connection starts, and
//! nowhere else: a connection never skips one silently, and never leads from one log into another.

use std::ops::Range;

use anyhow::{Result, bail, ensure};

use crate::event::Filter;
use crate::ledger::Logged;

/// What happened to a client, in order.
#[derive(Debug, Hash)]
pub(crate) enum Item {
    /// It connected: from now on, events at or after this time are due; `None`: from the next event on.
    Start { from_us: Option<u64> },
    /// It received an event.
    Event {
        time: u64,
        text: String,
        /// How many entries of the log had been deleted.
        deleted: usize,
    },
}

/// The story of one client.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) filter: Filter,
    pub(crate) items: Vec<Item>,
}

impl Record {
    /// The time of the last event.
    pub(crate) fn last_time(&self) -> Option<u64> {
        self.items.iter().rev().find_map(|item| match item {
            Item::Event { time, .. } => Some(*time),
            Item::Start { .. } => None,
        })
    }

    pub(crate) fn events(&self) -> usize {
        let events = self.items.iter();
        events.filter(|it| matches!(it, Item::Event { .. })).count()
    }

    /// The time of the newest event that is due, if any.
    pub(crate) fn newest_due(&self, log: &[Logged], deleted: usize) -> Option<u64> {
        let mut newest = log[deleted..].iter().rev();
        let newest = newest.find(|it| it.event.is_wanted(&self.filter))?;
        let start = self.items.iter().find_map(|item| match item {
            Item::Start { from_us } => Some(from_us.unwrap_or(u64::MAX)),
            Item::Event { .. } => None,
        })?;
        (newest.time >= start || self.last_time().is_some()).then_some(newest.time)
    }

    /// # Errors
    /// The first event that is missing, repeated, out of order or changed.
    pub(crate) fn check(&self, log: &[Logged], deleted: usize) -> Result<()> {
        // The index of the next due event; `None`: it starts with whatever comes first.
        let mut next: Option<usize> = None;
        // The log that this connection reads.
        let mut reads: Option<usize> = None;
        for item in &self.items {
            let (time, text, deleted) = match item {
                Item::Start { from_us } => {
                    if let Some(from) = from_us {
                        next = Some(log.partition_point(|it| it.time < *from));
                    }
                    reads = None;
                    continue;
                }
                Item::Event {
                    time,
                    text,
                    deleted,
                } => (*time, text, *deleted),
            };
            let Ok(found) = log.binary_search_by_key(&time, |it| it.time) else {
                bail!("received an event at {time} that the log never held: {text}");
            };
            let logged = &log[found];
            ensure!(
                logged.event.text == *text,
                "received {text}\n  instead of {:?}",
                logged.event
            );
            ensure!(
                logged.event.is_wanted(&self.filter),
                "received an event that the filter does not match: {text}"
            );
            if let Some(due) = next {
                ensure!(
                    found >= due,
                    "received seq {} although seq {} was next",
                    logged.seq,
                    log[due].seq
                );
                let excused = if reads.is_none() { deleted } else { 0 };
                self.check_gap(log, due..found, excused)?;
            }
            ensure!(
                reads.is_none_or(|read| read == logged.generation),
                "received seq {} of another log in the same connection",
                logged.seq
            );
            (next, reads) = (Some(found + 1), Some(logged.generation));
        }
        match next {
            Some(due) => self.check_gap(log, due..log.len(), deleted),
            None => Ok(()),
        }
    }

    /// Nothing in a gap was due, unless it was one of the first `excused` of the log.
    fn check_gap(&self, log: &[Logged], gap: Range<usize>, excused: usize) -> Result<()> {
        let gap = gap.start.max(excused.min(gap.end))..gap.end;
        let missing = log[gap].iter().find(|it| it.event.is_wanted(&self.filter));
        match missing {
            None => Ok(()),
            Some(it) => bail!(
                "seq {} at {} is missing: {}",
                it.seq,
                it.time,
                it.event.text
            ),
        }
    }
}

#[cfg(test)]
mod tests;
