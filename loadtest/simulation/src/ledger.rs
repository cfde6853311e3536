//! Everything that was ever in the log, and the first check: the log holds what the network did, once and in order.

use std::cell::{Cell, RefCell};

use anyhow::{Result, bail, ensure};
use fanjet_log::memory::MemoryLog;
use fanjet_log::{EventLog, ReadLimit, Selection, Seq};

use crate::event::Event;

/// One event of the log.
#[derive(Debug)]
pub(crate) struct Logged {
    pub(crate) seq: Seq,
    pub(crate) time: u64,
    pub(crate) event: Event,
}

/// A copy of the log that nothing expires from.
#[derive(Debug)]
pub(crate) struct Ledger {
    log: MemoryLog,
    entries: RefCell<Vec<Logged>>,
    /// Everything up to this seq was deleted.
    expired: Cell<Seq>,
}

impl Ledger {
    pub(crate) fn new(log: MemoryLog) -> Self {
        Self {
            log,
            entries: RefCell::default(),
            expired: Cell::default(),
        }
    }

    /// Copies what is new. Must be called before anything is deleted.
    pub(crate) async fn update(&self) -> Result<()> {
        loop {
            let from = self.entries.borrow().last().map_or(1, |last| last.seq + 1);
            let limit = ReadLimit {
                entries: 1000,
                bytes: usize::MAX,
            };
            // A clone has no link, and faults are for the others.
            let Ok(page) = self.log.read(from, &Selection::All, limit).await else {
                continue;
            };
            if page.entries.is_empty() {
                return Ok(());
            }
            for entry in &page.entries {
                let (event, time) = Event::logged(entry)?;
                self.entries.borrow_mut().push(Logged {
                    seq: entry.seq,
                    time,
                    event,
                });
            }
        }
    }

    /// Deletes the oldest events of the log, all but the newest `kept`.
    pub(crate) async fn expire_all_but(&self, kept: u64) -> Result<()> {
        self.update().await?;
        let last = self.entries.borrow().last().map_or(0, |last| last.seq);
        let upto = last.saturating_sub(kept).max(self.expired.get());
        match kept {
            0 => self.log.purge(),
            _ => self.log.expire(upto),
        }
        self.expired.set(upto);
        Ok(())
    }

    /// The seq up to which everything was deleted.
    pub(crate) fn expired(&self) -> Seq {
        self.expired.get()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&[Logged]) -> T) -> T {
        look(&self.entries.borrow())
    }

    /// The log holds exactly the events of these frames.
    pub(crate) fn check(&self, frames: &[Vec<Event>]) -> Result<()> {
        let entries = self.entries.borrow();
        let mut expected = frames.iter().flatten();
        let mut last = (0, 0);
        for logged in entries.iter() {
            let Some(event) = expected.next() else {
                bail!(
                    "log: one event too many, seq {}: {:?}",
                    logged.seq,
                    logged.event
                );
            };
            ensure!(
                *event == logged.event,
                "log: seq {} at {} is {:?}\n  expected {event:?}",
                logged.seq,
                logged.time,
                logged.event
            );
            ensure!(
                logged.seq == last.0 + 1 && logged.time > last.1,
                "log: seq {} at {} follows seq {} at {}",
                logged.seq,
                logged.time,
                last.0,
                last.1
            );
            last = (logged.seq, logged.time);
        }
        let missing = expected.count();
        ensure!(missing == 0, "log: {missing} events are missing at its end");
        Ok(())
    }
}
