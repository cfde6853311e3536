//! Everything that was ever in the log, and the first check: the log holds what the network did, once and in order. A log that
//! is created again starts with a present of its own, and is held to the same from its first event on.

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
    /// How many logs were there before this one.
    pub(crate) generation: usize,
}

/// A copy of the log that nothing expires from.
#[derive(Debug)]
pub(crate) struct Ledger {
    log: MemoryLog,
    entries: RefCell<Vec<Logged>>,
    /// Where each log begins.
    begins: RefCell<Vec<usize>>,
    /// How many of the oldest entries were deleted.
    deleted: Cell<usize>,
}

impl Ledger {
    pub(crate) fn new(log: MemoryLog) -> Self {
        Self {
            log,
            entries: RefCell::default(),
            begins: RefCell::new(vec![0]),
            deleted: Cell::default(),
        }
    }

    /// Copies what is new. Must be called before anything is deleted.
    pub(crate) async fn update(&self) -> Result<()> {
        loop {
            let from = self.last_seq().map_or(1, |last| last + 1);
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
                    generation: self.begins.borrow().len() - 1,
                });
            }
        }
    }

    /// Deletes the oldest events of the log, all but the newest `kept`.
    pub(crate) async fn expire_all_but(&self, kept: u64) -> Result<()> {
        self.update().await?;
        let Some(last) = self.last_seq() else {
            return Ok(());
        };
        let upto = last.saturating_sub(kept);
        match kept {
            0 => self.log.purge(),
            _ => self.log.expire(upto),
        }
        let entries = self.entries.borrow();
        let begin = self.begin();
        let deleted = begin + entries[begin..].partition_point(|entry| entry.seq <= upto);
        self.deleted.set(deleted.max(self.deleted.get()));
        Ok(())
    }

    /// Replaces the log with an empty one: at the seq 1, as an operator does who deletes a stream and creates it again, or far
    /// above every seq before.
    pub(crate) async fn recreate(&self, is_low: bool) -> Result<()> {
        self.update().await?;
        let above = self.entries.borrow().iter().map(|it| it.seq).max();
        let first = match above {
            Some(above) if !is_low => (above + 2).next_multiple_of(2_000),
            _ => 1,
        };
        self.log.recreate(first);
        while self.log.adopt().await.is_err() {}
        self.deleted.set(self.len());
        self.begins.borrow_mut().push(self.len());
        Ok(())
    }

    /// How many entries were deleted so far.
    pub(crate) fn deleted(&self) -> usize {
        self.deleted.get()
    }

    /// Whether the log has had no event yet, since it was created again if it was.
    pub(crate) fn is_new(&self) -> bool {
        self.last_seq().is_none()
    }

    fn begin(&self) -> usize {
        self.begins.borrow().last().copied().unwrap_or_default()
    }

    fn last_seq(&self) -> Option<Seq> {
        let entries = self.entries.borrow();
        entries[self.begin()..].last().map(|last| last.seq)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.borrow().len()
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&[Logged]) -> T) -> T {
        look(&self.entries.borrow())
    }

    /// The log holds exactly the events of these frames; one that was created again holds those from its first one on.
    pub(crate) fn check(&self, frames: &[Vec<Event>]) -> Result<()> {
        let (entries, begins) = (self.entries.borrow(), self.begins.borrow());
        let expected: Vec<_> = frames.iter().flatten().collect();
        let ends = begins[1..].iter().copied().chain([entries.len()]);
        let mut last_time = 0;
        for (generation, (&begin, end)) in begins.iter().zip(ends).enumerate() {
            let held = &entries[begin..end];
            let from = match generation {
                0 => 0,
                _ => begins_at(held, &expected),
            };
            check_one(held, &expected[from..], &mut last_time)?;
            let missing = expected.len() - from - held.len();
            let is_last = generation + 1 == begins.len();
            ensure!(
                missing == 0 || !is_last || held.is_empty(),
                "log: {missing} events are missing at its end"
            );
        }
        Ok(())
    }
}

/// Where a log that was created again begins in the world: where it agrees for longest.
fn begins_at(held: &[Logged], expected: &[&Event]) -> usize {
    let agrees = |from: usize| {
        let pairs = held.iter().zip(&expected[from..]);
        pairs.take_while(|(held, it)| held.event == ***it).count()
    };
    let starts = 0..expected.len();
    starts.max_by_key(|from| agrees(*from)).unwrap_or_default()
}

/// One log holds these events from the first on, once, in order, under rising times.
fn check_one(held: &[Logged], expected: &[&Event], last_time: &mut u64) -> Result<()> {
    let mut expected = expected.iter();
    let mut last_seq = None;
    for logged in held {
        let Some(event) = expected.next() else {
            bail!(
                "log: one event too many, seq {}: {:?}",
                logged.seq,
                logged.event
            );
        };
        ensure!(
            **event == logged.event,
            "log: seq {} at {} is {:?}\n  expected {event:?}",
            logged.seq,
            logged.time,
            logged.event
        );
        ensure!(
            last_seq.is_none_or(|last| logged.seq == last + 1) && logged.time > *last_time,
            "log: seq {} at {} follows seq {last_seq:?} at {last_time}",
            logged.seq,
            logged.time,
        );
        (last_seq, *last_time) = (Some(logged.seq), logged.time);
    }
    Ok(())
}
