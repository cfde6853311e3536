//! What the simulator says that must come, in 32 bytes per event.
//!
//! The text of an event is kept as a 64-bit hash without its `time_us`, which ingest assigns. The first client that
//! receives an event settles its time; every other one must receive the same.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hashbrown::{DefaultHashBuilder, HashMap};
use serde::Deserialize;
use std::hash::BuildHasher;
use tokio::time::{Instant, sleep};

/// How long the simulator may write nothing before it is done for.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(2);
const TIME_KEY: &[u8] = b"\"time_us\":";

/// Every event that a subscriber without a filter must receive. An index is an event's place among them.
pub(crate) struct Oracle {
    path: PathBuf,
    events: Vec<Event>,
    /// How many events are known.
    known: AtomicUsize,
    /// Of how many the reference has received all.
    timed: AtomicUsize,
    is_complete: AtomicBool,
    first_seq: AtomicU64,
    hasher: DefaultHashBuilder,
    collections: Names,
    dids: Names,
}

#[derive(Default)]
struct Event {
    hash: AtomicU64,
    /// 0 until a client has received it.
    time: AtomicU64,
    /// Of the account, from 1 on.
    line: AtomicU32,
    collection: AtomicU32,
    did: AtomicU32,
    length: AtomicU32,
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct About {
    /// 0: no commit.
    pub(crate) collection: u32,
    pub(crate) did: u32,
    /// Of the JSON in bytes, as it is served.
    pub(crate) length: u32,
}

#[derive(Deserialize)]
struct Line<'a> {
    op_index: u32,
    op_count: u32,
    did: String,
    collection: Option<String>,
    #[serde(borrow)]
    v1: Option<std::borrow::Cow<'a, str>>,
}

impl Oracle {
    /// An empty one for the account in a file that is being written, with room for so many events.
    pub(crate) fn new(path: &Path, room: usize) -> Arc<Self> {
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

    /// How many events are known.
    pub(crate) fn known(&self) -> usize {
        self.known.load(Ordering::Acquire)
    }

    /// How many events the reference has received: their times are settled.
    pub(crate) fn timed(&self) -> usize {
        self.timed.load(Ordering::Acquire)
    }

    /// Notes how far the reference has come.
    pub(crate) fn set_timed(&self, events: usize) {
        self.timed.fetch_max(events, Ordering::AcqRel);
    }

    /// Whether no more events will become known.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete.load(Ordering::Acquire)
    }

    pub(crate) fn hash_of(&self, index: usize) -> u64 {
        self.events[index].hash.load(Ordering::Relaxed)
    }

    /// The log time; 0 when nobody has received it yet.
    pub(crate) fn time_of(&self, index: usize) -> u64 {
        self.events[index].time.load(Ordering::Acquire)
    }

    /// Notes with which seq the log begins that holds the account and nothing else.
    pub(crate) fn set_first_seq(&self, seq: u64) {
        self.first_seq.store(seq, Ordering::Relaxed);
    }

    /// The position in the log.
    pub(crate) fn seq_of(&self, index: usize) -> u64 {
        self.first_seq.load(Ordering::Relaxed) + self.line_of(index) - 1
    }

    fn line_of(&self, index: usize) -> u64 {
        self.events[index].line.load(Ordering::Relaxed).into()
    }

    pub(crate) fn about(&self, index: usize) -> About {
        let event = &self.events[index];
        About {
            collection: event.collection.load(Ordering::Relaxed),
            did: event.did.load(Ordering::Relaxed),
            length: event.length.load(Ordering::Relaxed),
        }
    }

    /// Which event it is, of all that are known.
    pub(crate) fn find(&self, hash: u64) -> Option<usize> {
        (0..self.known()).find(|&index| self.hash_of(index) == hash)
    }

    /// Settles an event's time; the other time when it has one already.
    pub(crate) fn settle_time(&self, index: usize, time: u64) -> std::result::Result<(), u64> {
        let slot = &self.events[index].time;
        match slot.compare_exchange(0, time, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(()),
            Err(other) if other == time => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// The first event whose time is not below `time`, of those that the reference has.
    pub(crate) fn first_at(&self, time: u64) -> usize {
        partition(self.timed(), |index| self.time_of(index) < time)
    }

    /// The first event at or behind a position of the log.
    pub(crate) fn first_at_seq(&self, seq: u64) -> usize {
        partition(self.known(), |index| self.seq_of(index) < seq)
    }

    /// The hash and the time of an event's JSON.
    pub(crate) fn read(&self, json: &[u8]) -> Option<(u64, u64)> {
        let start = memchr::memmem::find(json, TIME_KEY)? + TIME_KEY.len();
        let (before, rest) = json.split_at(start);
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let time = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        Some((self.hash(before, &rest[digits..]), time))
    }

    /// An event's JSON with `time_us` 0, from the file.
    pub(crate) fn text_of(&self, index: usize) -> Result<String> {
        let line = BufReader::new(File::open(&self.path)?)
            .lines()
            .nth(self.line_of(index) as usize - 1)
            .context("the account has no such line")??;
        let line: Line<'_> = serde_json::from_str(&line)?;
        Ok(line.v1.unwrap_or_default().into_owned())
    }

    pub(crate) fn collection_names(&self) -> &Names {
        &self.collections
    }

    pub(crate) fn did_names(&self) -> &Names {
        &self.dids
    }

    /// A digest of bytes, good within this process.
    pub(crate) fn digest(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash_one(bytes)
    }

    fn hash(&self, before: &[u8], behind: &[u8]) -> u64 {
        let [before, behind] = [before, behind].map(|part| self.hasher.hash_one(part));
        before.rotate_left(1) ^ behind
    }

    /// Takes in a line of the account; whether it is the last of its frame.
    fn add(&self, number: u32, line: &[u8]) -> Result<bool> {
        let line: Line<'_> = serde_json::from_slice(line)?;
        let did = self.dids.number(&line.did);
        let collection = line.collection.as_deref();
        let collection = collection.map_or(0, |name| self.collections.number(name));
        if let Some(v1) = &line.v1 {
            let known = self.known.load(Ordering::Relaxed);
            let event = self.events.get(known).context("more events than room")?;
            let (hash, _) = self.read(v1.as_bytes()).context("a v1 without time")?;
            // Sixteen digits in place of the one.
            let length = v1.len() as u32 + 15;
            event.hash.store(hash, Ordering::Relaxed);
            event.line.store(number, Ordering::Relaxed);
            event.collection.store(collection, Ordering::Relaxed);
            event.did.store(did, Ordering::Relaxed);
            event.length.store(length, Ordering::Relaxed);
            self.known.store(known + 1, Ordering::Release);
        }
        Ok(line.op_index + 1 == line.op_count)
    }
}

/// Takes in the account of so many frames while it is written.
pub(crate) async fn fill(oracle: Arc<Oracle>, frames: u64) -> Result<()> {
    let mut file = BufReader::new(File::open(&oracle.path)?);
    // Bytes: what has been written so far may end in the middle of a character.
    let mut line = Vec::new();
    let (mut number, mut seen) = (0, 0);
    let mut progressed = Instant::now();
    while seen < frames {
        file.read_until(b'\n', &mut line)?;
        if line.ends_with(b"\n") {
            number += 1;
            seen += u64::from(oracle.add(number, &line)?);
            line.clear();
            progressed = Instant::now();
        } else {
            let waited = progressed.elapsed();
            ensure!(
                waited < PATIENCE,
                "the simulator stopped after {seen} frames"
            );
            sleep(PAUSE).await;
        }
        if number % 256 == 0 {
            tokio::task::yield_now().await;
        }
    }
    oracle.is_complete.store(true, Ordering::Release);
    Ok(())
}

/// Names by number, from 1 on, and how often each occurred.
#[derive(Default)]
pub(crate) struct Names {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    numbers: HashMap<String, u32>,
    names: Vec<(String, u64)>,
}

impl Names {
    /// The name of a number that occurred.
    pub(crate) fn name(&self, number: u32) -> String {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.names[number as usize - 1].0.clone()
    }

    /// All names with the number of times they occurred.
    pub(crate) fn counts(&self) -> Vec<(String, u64)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.names.clone()
    }

    fn number(&self, name: &str) -> u32 {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&number) = known.numbers.get(name) {
            known.names[number as usize - 1].1 += 1;
            return number;
        }
        known.names.push((name.to_owned(), 1));
        let number = known.names.len() as u32;
        known.numbers.insert(name.to_owned(), number);
        number
    }
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
impl Oracle {
    /// One of lines as the simulator writes them.
    pub(super) fn of_lines(lines: &[String]) -> Arc<Self> {
        let oracle = Self::new(Path::new("none"), lines.len());
        for (number, line) in (1..).zip(lines) {
            oracle.add(number, line.as_bytes()).unwrap();
        }
        oracle
    }
}
