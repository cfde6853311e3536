//! A segment of the past: written as a whole from front to back, and put in front of the oldest one when it is complete.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fanjet_log::Seq;

use super::encode::{Copied, encode};
use crate::folder::{self, about};
use crate::format::frame::{self, Found};
use crate::format::points::{MAX_SPAN, Points};
use crate::format::{covers, footer, header};
use crate::inner::Inner;
use crate::state::Segment;

/// A segment that is being written. Dropped before it is finished it leaves nothing.
pub struct Past {
    log: Arc<Inner>,
    unfinished: Unfinished,
    file: File,
    first: Seq,
    next: Seq,
    /// The end of its records.
    at: u64,
    oldest: u64,
    points: Points,
}

impl Past {
    pub(super) async fn begin(log: Arc<Inner>, first: Seq) -> io::Result<Self> {
        in_background(move || {
            log.lock.check()?;
            let path = folder::unfinished_path(&log.shared.config.path, first);
            let disk = &log.shared.disk;
            let file = disk
                .create(&path)
                .map_err(|error| about("create", &path, &error))?;
            let unfinished = Unfinished(path);
            disk.write(&file, &header::write(first), 0)?;
            Ok(Self {
                unfinished,
                file,
                first,
                next: first,
                at: header::LEN as u64,
                oldest: 0,
                points: Points::default(),
                log,
            })
        })
        .await
    }

    /// The seq that it needs next.
    pub fn next(&self) -> Seq {
        self.next
    }

    /// The bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.at
    }

    /// Adds events in order. Seqs that are left out between them, and behind them up to and without `next`, hold no event.
    ///
    /// # Errors
    /// Of the disk, or events that do not fit.
    pub async fn add(mut self, events: Vec<Copied>, next: Seq) -> io::Result<Self> {
        in_background(move || {
            let mut frames = Vec::new();
            let covered =
                encode(&mut frames, self.next, &events, next).map_err(io::Error::other)?;
            if covered - self.first > MAX_SPAN || self.at + frames.len() as u64 > MAX_SPAN {
                return Err(io::Error::other("the segment is too large"));
            }
            let disk = &self.log.shared.disk;
            disk.write(&self.file, &frames, self.at)
                .map_err(|error| about("write", &self.unfinished.0, &error))?;
            let mut rest = frames.as_slice();
            while let Found::Frame(found) = frame::read_trusted(rest) {
                let Some(covers) = covers::of(&found) else {
                    break;
                };
                self.points
                    .add(self.at, covers.first - self.first, covers.time);
                if self.oldest == 0 {
                    self.oldest = covers.time;
                }
                self.at += found.len() as u64;
                rest = &rest[found.len()..];
            }
            self.next = covered;
            Ok(self)
        })
        .await
    }

    /// Puts it in front of the copy; returns whether the copy still starts where it ends.
    ///
    /// # Errors
    /// Of the disk.
    pub async fn finish(self) -> io::Result<bool> {
        in_background(move || {
            let shared = &self.log.shared;
            let path: Arc<Path> = folder::segment_path(&shared.config.path, self.first).into();
            let failed = |error: io::Error| about("finish", &path, &error);
            if self.next == self.first || self.next != shared.state.read().bounds().first {
                return Ok(false);
            }
            let footer = footer::write(self.at, self.next - 1, &self.points);
            let disk = &shared.disk;
            disk.write(&self.file, &footer, self.at).map_err(failed)?;
            disk.sync(&self.file).map_err(failed)?;
            self.log.lock.check()?;
            disk.rename(&self.unfinished.0, &path).map_err(failed)?;
            let segment = Segment {
                path: Arc::clone(&path),
                first: self.first,
                last: self.next - 1,
                end: self.at,
                oldest: self.oldest,
                points: self.points.clone(),
            };
            let fits = shared.state.write().add_past(segment);
            if !fits {
                // The oldest segment was forgotten meanwhile.
                disk.remove(&path).map_err(failed)?;
            }
            Ok(fits)
        })
        .await
    }
}

/// The file until it gets its name.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It is not there any more when it was finished; opening removes what is left of a crash.
        drop(fs::remove_file(&self.0));
    }
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}
