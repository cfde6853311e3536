//! The writer thread: it takes queued chunks, writes them as one group, syncs once, shows them to the readers, and only
//! then acknowledges.
//!
//! Invariant: `at` is the end of the durable and visible part; bytes behind it in the file were never visible. After an
//! error these are cut off before the next write, so a half-written group cannot reappear.

mod group;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanjet_log::Seq;
use fanjet_runtime::Promptness;
use tracing::{debug, warn};

use crate::config::Sync;
use crate::folder::{self, Lock, about, check_linked};
use crate::format::points::MAX_SPAN;
use crate::format::{covers, footer, frame, header, mark};
use crate::queue::{Chunk, Failure, Work};
use crate::recover::Then;
use crate::shared::Shared;
use crate::troubles::Part;

use group::Group;

/// How much of the time writing may take, in percent, before groups are made larger than what arrives during a sync.
const DISK_PERCENT: u32 = 25;
/// The longest pause between the beginnings of two groups, unless the operator wants a longer one.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

pub(crate) struct Writer {
    shared: Arc<Shared>,
    folder: PathBuf,
    lock: Arc<Lock>,
    /// The active segment.
    path: Arc<Path>,
    file: File,
    /// The seq of its first record.
    first: Seq,
    /// The end of the durable part.
    at: u64,
    /// The last durable seq.
    last: Seq,
    /// Whether the file may contain bytes behind `at`.
    is_dirty: bool,
    /// Whether the active segment has its footer, and the next one could not be created yet.
    is_sealed: bool,
    /// Whether the file could not be opened for writing yet.
    is_read_only: bool,
    /// Whether nothing was written since the last writer ended.
    is_attested: bool,
}

impl Writer {
    /// Continues in the active segment of the state.
    pub(crate) fn new(shared: Arc<Shared>, lock: Arc<Lock>, file: File, then: Then) -> Self {
        let active = shared.state.read().active.clone();
        let cannot_write = then == Then::OpenAgain;
        Self {
            folder: shared.config.path.clone(),
            shared,
            lock,
            path: active.path,
            file,
            first: active.first,
            at: active.end,
            last: active.last,
            is_dirty: cannot_write,
            is_sealed: then == Then::BeginNext,
            is_read_only: cannot_write,
            is_attested: true,
        }
    }

    /// Runs until the queue is closed.
    pub(crate) fn run(mut self) {
        let mut prompt = Promptness::new(DISK_PERCENT, LONGEST_PAUSE);
        let mut noted = Instant::now();
        let mut not_before = None;
        while let Some(Work { chunks, roll }) = self.shared.queue.take(not_before) {
            let began = Instant::now();
            self.write_all(chunks);
            if roll {
                // Requested again while it is needed.
                self.roll_if_used().unwrap_or_default();
            }
            let now = Instant::now();
            prompt.note(now - began, now - noted);
            noted = now;
            let pause = match self.shared.config.sync {
                Sync::Always if !self.shared.demand.is_present() => LONGEST_PAUSE,
                Sync::Always => prompt.floor(),
                Sync::Every(time) => time,
            };
            not_before = Some(began + pause).filter(|&until| until > now);
        }
        if let Err(error) = self.attest() {
            warn!(%error, "failed to mark the end of the log; its events are durable anyway");
        }
    }

    fn write_all(&mut self, chunks: Vec<Chunk>) {
        let mut group = Group::behind(self.at, self.last);
        for chunk in chunks {
            if !chunk.is_finished() {
                group = self.write(group, Arc::new(chunk));
            }
        }
        self.commit(group);
    }

    /// Adds a chunk to the group, and starts new segments on the way.
    fn write(&mut self, mut group: Group, chunk: Arc<Chunk>) -> Group {
        if chunk.first != group.last() + 1 {
            chunk.fail(Failure::Fenced {
                expected: chunk.first - 1,
            });
            return group;
        }
        let mut rest = chunk.frames.as_slice();
        // The appender encoded these frames just before.
        while let frame::Found::Frame(found) = frame::read_trusted(rest) {
            let Some(covers) = covers::of(&found) else {
                break;
            };
            let is_empty = group.last() < self.first;
            let is_large = group.end() >= self.shared.config.segment_bytes;
            let is_wide = covers.last - self.first > MAX_SPAN;
            let is_full = (is_large || is_wide) && !is_empty;
            if is_full || self.is_sealed {
                self.commit(group);
                if !chunk.is_finished()
                    && let Err(error) = self.roll()
                {
                    chunk.fail(Failure::Io(Arc::new(error)));
                }
                group = Group::behind(self.at, self.last);
                if chunk.is_finished() {
                    return group;
                }
            }
            let (bytes, behind) = rest.split_at(found.len());
            group.add(&chunk, bytes, covers);
            rest = behind;
        }
        group
    }

    /// Makes a group durable, shows it and acknowledges it; or fails all of it.
    fn commit(&mut self, group: Group) {
        if group.is_empty() {
            return;
        }
        if let Err(error) = self.store(group.bytes()) {
            group.fail(&Arc::new(error));
            return;
        }
        self.at = group.end();
        self.last = group.last();
        self.is_attested = false;
        let shown = group.show();
        self.shared
            .state
            .write()
            .add(&shown.written, self.at, shown.pieces);
        self.shared.grown.send_replace(self.last);
        for (chunk, seq) in shown.chunks {
            chunk.progress.send_modify(|progress| progress.acked = seq);
        }
    }

    /// Writes behind everything durable, and syncs.
    fn store(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stored = self
            .try_store(bytes)
            .map_err(|error| about("write", &self.path, &error));
        self.report(stored)
    }

    fn try_store(&mut self, bytes: &[u8]) -> io::Result<()> {
        let disk = Arc::clone(&self.shared.disk);
        if self.is_read_only {
            self.lock.check()?;
            self.file = disk.open(&self.path)?;
            self.is_read_only = false;
        }
        if self.is_dirty {
            disk.truncate(&self.file, self.at)?;
            disk.sync(&self.file)?;
        }
        self.is_dirty = true;
        disk.write(&self.file, bytes, self.at)?;
        disk.sync(&self.file)?;
        // Data in a file without a name is lost with the process.
        check_linked(&self.file)?;
        self.is_dirty = false;
        Ok(())
    }

    /// Records the outcome of writes for readiness.
    fn report(&self, outcome: io::Result<()>) -> io::Result<()> {
        match &outcome {
            Ok(()) => self.shared.troubles.clear(Part::Writing),
            Err(error) => self.shared.writing_failed(error),
        }
        outcome
    }

    fn roll_if_used(&mut self) -> io::Result<()> {
        if self.last < self.first {
            return Ok(());
        }
        self.roll()
    }

    /// Finishes the active segment and starts the next. Every step can be repeated after an error.
    fn roll(&mut self) -> io::Result<()> {
        if !self.is_sealed {
            let footer = {
                let state = self.shared.state.read();
                footer::write(self.at, self.last, &state.active.points)
            };
            self.store(&footer)?;
            self.is_sealed = true;
            self.shared.state.write().finish();
        }
        let next = self.last + 1;
        let path = folder::segment_path(&self.folder, next);
        let made = self
            .create(next)
            .map_err(|error| about("create", &path, &error));
        self.report(made)?;
        self.is_sealed = false;
        self.first = next;
        self.at = header::LEN as u64;
        self.path = Arc::from(path);
        let path = Arc::clone(&self.path);
        self.shared.state.write().roll(path, self.at);
        debug!(first = next, "started a segment");
        Ok(())
    }

    fn create(&mut self, next: Seq) -> io::Result<()> {
        // It must not be created in another log's folder.
        self.lock.check()?;
        self.file = folder::create_segment(&*self.shared.disk, &self.folder, next)?;
        Ok(())
    }

    /// A final mark proves that everything before it is durable: after a proper shutdown no damage can pass as a torn
    /// write.
    fn attest(&mut self) -> io::Result<()> {
        if self.is_sealed || self.is_attested {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(mark::LEN);
        mark::write(&mut bytes, self.at);
        self.store(&bytes)
    }
}

#[cfg(test)]
mod tests;
