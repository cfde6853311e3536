//! The expected events, in 32 bytes each.
//!
//! The text of an event is kept as a 64-bit hash without its `time_us`, which ingest assigns. The first client that
//! receives an event sets its time; every other client must receive the same.

use std::fs::File;
use std::hash::BuildHasher;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use hashbrown::DefaultHashBuilder;

use crate::expected::Expected;
use crate::expected_events::ExpectedEvents;
use crate::names::Names;
use crate::text::split;

/// How long the simulator may write nothing before it counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every event that a subscriber without a filter must receive. An index is an event's position among them.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    events: Vec<Event>,
    /// The number of known events.
    known: AtomicUsize,
    /// How many events the reference subscriber has received.
    timed: AtomicUsize,
    is_complete: AtomicBool,
    first_seq: AtomicU64,
    hasher: DefaultHashBuilder,
    collections: Names,
    dids: Names,
}

#[derive(Debug, Default)]
struct Event {
    hash: AtomicU64,
    /// 0 until a client has received it.
    time: AtomicU64,
    /// The line in the file, from 1 on.
    line: AtomicU32,
    collection: AtomicU32,
    did: AtomicU32,
    length: AtomicU32,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct About {
    /// 0: not a commit.
    pub(crate) collection: u32,
    /// The repo's number.
    pub(crate) did: u32,
    /// Of the JSON in bytes, as it is served.
    pub(crate) length: u32,
}

impl Ledger {
    /// An empty ledger for a file that is being written, with room for this many events.
    pub fn new(path: &Path, room: usize) -> Arc<Self> {
        Arc::new(Self {
            path: path.to_owned(),
            events: std::iter::repeat_with(Event::default).take(room).collect(),
            known: AtomicUsize::new(0),
            timed: AtomicUsize::new(0),
            is_complete: AtomicBool::new(false),
            first_seq: AtomicU64::new(1),
            hasher: DefaultHashBuilder::default(),
            collections: Names::default(),
            dids: Names::default(),
        })
    }

    /// The number of known events.
    pub fn known(&self) -> usize {
        self.known.load(Ordering::Acquire)
    }

    /// How many events the reference has received: their times are set.
    pub fn timed(&self) -> usize {
        self.timed.load(Ordering::Acquire)
    }

    /// Records how far the reference has read.
    pub fn set_timed(&self, events: usize) {
        self.timed.fetch_max(events, Ordering::AcqRel);
    }

    /// Whether no more events will be added.
    pub fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Acquire)
    }

    /// The hash of its text.
    pub(crate) fn hash_of(&self, index: usize) -> u64 {
        self.events[index].hash.load(Ordering::Relaxed)
    }

    /// The log time; 0 until a client has received the event.
    pub fn time_of(&self, index: usize) -> u64 {
        self.events[index].time.load(Ordering::Acquire)
    }

    /// Sets the first seq of a log that holds exactly these events.
    pub fn set_first_seq(&self, seq: u64) {
        self.first_seq.store(seq, Ordering::Relaxed);
    }

    /// The position in the log.
    pub fn seq_of(&self, index: usize) -> u64 {
        self.first_seq.load(Ordering::Relaxed) + self.line_of(index) - 1
    }

    fn line_of(&self, index: usize) -> u64 {
        self.events[index].line.load(Ordering::Relaxed).into()
    }

    /// What it is about.
    pub(crate) fn about(&self, index: usize) -> About {
        let event = &self.events[index];
        About {
            collection: event.collection.load(Ordering::Relaxed),
            did: event.did.load(Ordering::Relaxed),
            length: event.length.load(Ordering::Relaxed),
        }
    }

    /// The index of an event.
    pub fn find(&self, hash: u64) -> Option<usize> {
        (0..self.known()).find(|&index| self.hash_of(index) == hash)
    }

    /// Sets an event's time.
    ///
    /// # Errors
    /// The existing time, if it is another one.
    pub fn settle_time(&self, index: usize, time: u64) -> std::result::Result<(), u64> {
        let slot = &self.events[index].time;
        match slot.compare_exchange(0, time, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(()),
            Err(other) if other == time => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// The first event whose time is at least `time`, among those that the reference has received.
    pub fn first_at(&self, time: u64) -> usize {
        partition(self.timed(), |index| self.time_of(index) < time)
    }

    /// The first event at or after a position of the log.
    pub fn first_at_seq(&self, seq: u64) -> usize {
        partition(self.known(), |index| self.seq_of(index) < seq)
    }

    /// The hash and the time of an event's JSON.
    pub fn read(&self, json: &[u8]) -> Option<(u64, u64)> {
        let (before, time_us, behind) = split(json)?;
        Some((self.hash(before, behind), time_us))
    }

    /// An event's JSON with `time_us` 0, read from the file.
    ///
    /// # Errors
    /// When the file is gone.
    pub fn text_of(&self, index: usize) -> Result<String> {
        let line = BufReader::new(File::open(&self.path)?)
            .lines()
            .nth(self.line_of(index) as usize - 1)
            .context("no such line in the file of expected events")??;
        Ok(Expected::parse(line.as_bytes())?.v1.unwrap_or_default())
    }

    /// The collections that occurred.
    pub fn collection_names(&self) -> &Names {
        &self.collections
    }

    /// The repos that occurred.
    pub fn did_names(&self) -> &Names {
        &self.dids
    }

    /// A hash that is valid within this process.
    pub fn digest(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash_one(bytes)
    }

    fn hash(&self, before: &[u8], behind: &[u8]) -> u64 {
        let [before, behind] = [before, behind].map(|part| self.hasher.hash_one(part));
        before.rotate_left(1) ^ behind
    }

    /// Adds a line of the file.
    fn add(&self, number: u32, line: &Expected) -> Result<()> {
        let did = self.dids.number(&line.did);
        let collection = line.collection.as_deref();
        let collection = collection.map_or(0, |name| self.collections.number(name));
        let Some(v1) = &line.v1 else {
            return Ok(());
        };
        let known = self.known.load(Ordering::Relaxed);
        let event = self.events.get(known).context("more events than room")?;
        let (hash, _) = self.read(v1.as_bytes()).context("a v1 without time")?;
        // Sixteen digits replace the one.
        let length = v1.len() as u32 + 15;
        event.hash.store(hash, Ordering::Relaxed);
        event.line.store(number, Ordering::Relaxed);
        event.collection.store(collection, Ordering::Relaxed);
        event.did.store(did, Ordering::Relaxed);
        event.length.store(length, Ordering::Relaxed);
        self.known.store(known + 1, Ordering::Release);
        Ok(())
    }
}

/// Adds the expected events while they are written.
///
/// # Errors
/// When the simulator stops before its last frame, or there is no room for all events.
pub async fn fill(ledger: Arc<Ledger>, frames: u64) -> Result<()> {
    let mut expected = ExpectedEvents::open(&ledger.path, frames, PATIENCE)?;
    let mut number = 0;
    while let Some(event) = expected.next().await? {
        number += 1;
        ledger.add(number, &event)?;
    }
    ledger.is_complete.store(true, Ordering::Release);
    Ok(())
}

/// The first of `0..end` for which `is_before` no longer holds.
fn partition(end: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
impl Ledger {
    /// A line as the simulator writes it.
    pub(crate) fn of_lines(lines: &[String]) -> Arc<Self> {
        let ledger = Self::new(Path::new("none"), lines.len());
        for (number, line) in (1..).zip(lines) {
            let line = Expected::parse(line.as_bytes()).unwrap();
            ledger.add(number, &line).unwrap();
        }
        ledger
    }
}
