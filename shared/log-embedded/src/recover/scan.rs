//! Reads a segment from front to back.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use fanjet_log::Seq;

use crate::OpenError;
use crate::format::footer::{self, Footer};
use crate::format::frame::{self, Found, Frame};
use crate::format::points::{MAX_SPAN, Points};
use crate::format::{covers, header, mark};

/// Bytes read at once.
const STEP: usize = 1 << 20;

/// The contents of a segment, up to its end or the first invalid frame.
pub(super) struct Scanned {
    /// The last record; one below the segment's first if there is none.
    pub(super) last: Seq,
    /// Where the valid frames end; the footer or the invalid bytes start there.
    pub(super) end: u64,
    /// Log time of the first record.
    pub(super) oldest: u64,
    pub(super) points: Points,
    pub(super) stop: Stop,
}

/// Why reading stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The file ends behind a frame.
    End,
    /// A footer that matches the records, at the end of the file.
    Footer,
    /// Something invalid.
    Bad(&'static str),
}

/// Stops an opening whose caller no longer waits.
pub(super) fn check_wanted(wanted: &dyn Fn() -> bool) -> Result<(), OpenError> {
    wanted().then_some(()).ok_or(OpenError::GivenUp)
}

/// Verifies every frame of the segment that starts at `first`.
pub(super) fn scan(
    file: &File,
    path: &Path,
    first: Seq,
    wanted: &dyn Fn() -> bool,
) -> Result<Scanned, OpenError> {
    let mut scanned = Scanned {
        last: first - 1,
        end: header::LEN as u64,
        oldest: 0,
        points: Points::default(),
        stop: Stop::End,
    };
    let mut window = Window::new(file, scanned.end);
    loop {
        let bytes = window.bytes();
        let frame = match frame::read(bytes) {
            Found::Frame(frame) => frame,
            Found::Bad(what) => return Ok(scanned.stopped(Stop::Bad(what))),
            Found::Short(needed) => {
                check_wanted(wanted)?;
                let filled = window.fill(needed);
                if filled.map_err(OpenError::read(path, scanned.end))? {
                    continue;
                }
                return Ok(scanned.stopped(if window.bytes().is_empty() {
                    Stop::End
                } else {
                    Stop::Bad("truncated frame")
                }));
            }
        };
        if frame.kind == footer::KIND {
            let stop = check_footer(file, path, &scanned)?;
            return Ok(scanned.stopped(stop));
        }
        if let Err(what) = scanned.add(&frame, first) {
            return Ok(scanned.stopped(Stop::Bad(what)));
        }
        let len = frame.len();
        window.skip(len);
    }
}

impl Scanned {
    fn stopped(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    fn add(&mut self, frame: &Frame<'_>, first: Seq) -> Result<(), &'static str> {
        if frame.has_seqs() {
            let found = covers::of(frame).ok_or("invalid record")?;
            if found.first != self.last + 1 {
                return Err("record with a wrong seq");
            }
            if found.last - first > MAX_SPAN {
                return Err("record too far from the segment's first");
            }
            self.points.add(self.end, found.first - first, found.time);
            self.last = found.last;
            if self.oldest == 0 {
                self.oldest = found.time;
            }
        } else if !frame.is_mark() || !mark::is_at(frame.payload, self.end) {
            return Err("misplaced frame");
        }
        self.end += frame.len() as u64;
        Ok(())
    }
}

/// Whether the footer at the end of the scanned part is complete and correct.
fn check_footer(file: &File, path: &Path, scanned: &Scanned) -> Result<Stop, OpenError> {
    let rest = read_from(file, path, scanned.end)?;
    let is_right = footer::read(&rest, scanned.end)
        .is_some_and(|footer| (footer.last, &footer.points) == (scanned.last, &scanned.points));
    Ok(if is_right {
        Stop::Footer
    } else {
        Stop::Bad("footer does not match the records")
    })
}

/// The footer of a finished segment, found from the end of the file.
pub(super) fn footer_of(file: &File, path: &Path) -> Result<(u64, Footer), OpenError> {
    let len = len(file, path)?;
    let trailer_at = len.saturating_sub(footer::TRAILER as u64);
    let trailer = read_from(file, path, trailer_at)?;
    let at = footer::read_trailer(&trailer)
        .filter(|&at| (header::LEN as u64..trailer_at).contains(&at))
        .ok_or_else(|| OpenError::damaged(path, trailer_at, "no footer at its end"))?;
    let footer = footer::read(&read_from(file, path, at)?, at)
        .filter(|footer| {
            let last_point = footer.points.list().last();
            last_point.is_some_and(|point| u64::from(point.offset) < at)
        })
        .ok_or_else(|| OpenError::damaged(path, at, "damaged footer"))?;
    Ok((at, footer))
}

/// Whether something behind `from` proves that the data at `from` was durable once.
pub(super) fn is_followed_by_durable(
    file: &File,
    path: &Path,
    from: u64,
) -> Result<bool, OpenError> {
    let len = len(file, path)?;
    let trailer = read_from(file, path, len.saturating_sub(footer::TRAILER as u64))?;
    // The footer is written when all records are durable. Its own torn end does not count.
    if footer::read_trailer(&trailer).is_some_and(|at| at > from) {
        return Ok(true);
    }
    let mut window = Window::new(file, from + 1);
    loop {
        let is_more = window
            .fill(window.bytes().len() + STEP)
            .map_err(OpenError::read(path, from))?;
        if mark::find(window.bytes(), window.at()).is_some() {
            return Ok(true);
        }
        if !is_more {
            return Ok(false);
        }
        // A mark may cross the border.
        let keep = mark::LEN.min(window.bytes().len());
        window.skip(window.bytes().len() - keep);
    }
}

/// Bytes of the file.
pub(super) fn len(file: &File, path: &Path) -> Result<u64, OpenError> {
    let meta = file.metadata().map_err(OpenError::io("look at", path))?;
    Ok(meta.len())
}

/// The rest of the file. For short ends only.
fn read_from(file: &File, path: &Path, at: u64) -> Result<Vec<u8>, OpenError> {
    let rest = len(file, path)?.saturating_sub(at);
    let most = (frame::MAX_PAYLOAD + frame::PREFIX + footer::TRAILER + 1) as u64;
    let mut bytes = vec![0; rest.min(most) as usize];
    file.read_exact_at(&mut bytes, at)
        .map_err(OpenError::read(path, at))?;
    Ok(bytes)
}

/// A sliding window over a file.
struct Window<'a> {
    file: &'a File,
    /// The size of one read.
    step: Vec<u8>,
    buffer: Vec<u8>,
    /// Where the bytes start in the buffer.
    begin: usize,
    /// Where the bytes start in the file.
    at: u64,
}

impl<'a> Window<'a> {
    fn new(file: &'a File, at: u64) -> Self {
        Self {
            file,
            step: vec![0; STEP],
            buffer: Vec::new(),
            begin: 0,
            at,
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[self.begin..]
    }

    fn at(&self) -> u64 {
        self.at
    }

    fn skip(&mut self, bytes: usize) {
        self.begin += bytes;
        self.at += bytes as u64;
    }

    /// Reads until there are at least `needed` bytes; returns whether there are.
    fn fill(&mut self, needed: usize) -> io::Result<bool> {
        self.buffer.drain(..self.begin);
        self.begin = 0;
        while self.buffer.len() < needed {
            let at = self.at + self.buffer.len() as u64;
            match self.file.read_at(&mut self.step, at) {
                Ok(0) => return Ok(false),
                Ok(read) => self.buffer.extend_from_slice(&self.step[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
