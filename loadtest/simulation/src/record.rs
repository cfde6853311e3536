//! What one client received, and the second check: from its start on, every event of the log that its filter matches,
//! once and in order, whatever happened in between.

use anyhow::{Result, bail, ensure};
use fanjet_log::Seq;

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
        /// Everything up to this seq had been deleted from the log.
        expired: Seq,
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
    pub(crate) fn newest_due(&self, log: &[Logged]) -> Option<u64> {
        let mut newest = log.iter().rev();
        let newest = newest.find(|it| it.event.is_wanted(&self.filter))?;
        let start = self.items.iter().find_map(|item| match item {
            Item::Start { from_us } => Some(from_us.unwrap_or(u64::MAX)),
            Item::Event { .. } => None,
        })?;
        (newest.time >= start || self.last_time().is_some()).then_some(newest.time)
    }

    /// # Errors
    /// The first event that is missing, repeated, out of order or changed.
    pub(crate) fn check(&self, log: &[Logged], expired: Seq) -> Result<()> {
        // The index of the next due event; `None`: it starts with whatever comes first.
        let mut next: Option<usize> = None;
        for item in &self.items {
            let (time, text, expired) = match item {
                Item::Start { from_us: None } => continue,
                Item::Start {
                    from_us: Some(from),
                } => {
                    next = Some(log.partition_point(|it| it.time < *from));
                    continue;
                }
                Item::Event {
                    time,
                    text,
                    expired,
                } => (*time, text, *expired),
            };
            let Ok(found) = log.binary_search_by_key(&time, |it| it.time) else {
                bail!("received an event at {time} that the log never held: {text}");
            };
            ensure!(
                log[found].event.text == *text,
                "received {text}\n  instead of {:?}",
                log[found].event
            );
            ensure!(
                log[found].event.is_wanted(&self.filter),
                "received an event that the filter does not match: {text}"
            );
            if let Some(due) = next {
                ensure!(
                    found >= due,
                    "received seq {} although seq {} was next",
                    log[found].seq,
                    log[due].seq
                );
                self.check_gap(&log[due..found], expired)?;
            }
            next = Some(found + 1);
        }
        match next {
            Some(due) => self.check_gap(&log[due..], expired),
            None => Ok(()),
        }
    }

    /// Nothing in a gap was due, unless it had been deleted.
    fn check_gap(&self, gap: &[Logged], expired: Seq) -> Result<()> {
        let missing = gap
            .iter()
            .find(|it| it.event.is_wanted(&self.filter) && it.seq > expired);
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
