//! Blocks of segment files: read, checked, and kept for readers that are close to each other.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use fanjet_log::{LogError, Seq};
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::format::frame::{self, Found};
use crate::format::{mark, record};
use crate::state::BlockAt;

/// The newest blocks that somebody read, within a bound of bytes. The one read first goes first.
#[derive(Debug)]
pub(crate) struct BlockCache {
    kept: Mutex<Kept>,
    max_bytes: usize,
}

/// A segment's first seq and an offset in it. A seq never comes back, so nothing needs to be taken out.
type Key = (Seq, u64);

#[derive(Debug, Default)]
struct Kept {
    blocks: HashMap<Key, Bytes>,
    order: VecDeque<Key>,
    bytes: usize,
}

impl BlockCache {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            kept: Mutex::default(),
            max_bytes,
        }
    }

    fn get(&self, key: Key) -> Option<Bytes> {
        self.kept.lock().blocks.get(&key).cloned()
    }

    fn put(&self, key: Key, frames: Bytes) {
        if frames.len() > self.max_bytes {
            return;
        }
        let mut kept = self.kept.lock();
        kept.bytes += frames.len();
        match kept.blocks.insert(key, frames) {
            // Two readers missed it at the same time.
            Some(same) => kept.bytes -= same.len(),
            None => kept.order.push_back(key),
        }
        while kept.bytes > self.max_bytes
            && let Some(oldest) = kept.order.pop_front()
        {
            let gone = kept.blocks.remove(&oldest).map_or(0, |block| block.len());
            kept.bytes -= gone;
        }
    }
}

/// The frames of a block, each of them checked. `None` when its file is gone: the segment has expired.
pub(crate) fn load(cache: &BlockCache, at: &BlockAt) -> Result<Option<Bytes>, LogError> {
    let key = (at.segment, at.begin);
    if at.is_whole
        && let Some(frames) = cache.get(key)
    {
        return Ok(Some(frames));
    }
    let frames = match read(at) {
        Ok(frames) => frames,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(damaged(at, 0, "the file is shorter than it was"));
        }
        Err(error) => return Err(LogError::unavailable(error)),
    };
    check(&frames, at.begin, at.first).map_err(|(offset, what)| damaged(at, offset, what))?;
    let frames = Bytes::from(frames);
    if at.is_whole {
        cache.put(key, frames.clone());
    }
    Ok(Some(frames))
}

/// Damage at an offset of a block.
pub(crate) fn damaged(at: &BlockAt, offset: usize, what: &str) -> LogError {
    let offset = at.begin + offset as u64;
    let file = at.path.display();
    LogError::corrupt(
        at.first,
        format!("{file} is damaged at byte {offset}: {what}"),
    )
}

fn read(at: &BlockAt) -> io::Result<Vec<u8>> {
    let file = File::open(&at.path)?;
    // A block is one largest record longer than its least size at most.
    let mut frames = vec![0; (at.end - at.begin) as usize];
    file.read_exact_at(&mut frames, at.begin)?;
    Ok(frames)
}

/// That frames, which begin at `base` in their file, are whole, and their records numbered from `first` on.
pub(crate) fn check(frames: &[u8], base: u64, first: Seq) -> Result<(), (usize, &'static str)> {
    let (mut at, mut next) = (0, first);
    while at < frames.len() {
        let frame = match frame::read(&frames[at..]) {
            Found::Frame(frame) => frame,
            Found::Short(_) => return Err((at, "a frame without its end")),
            Found::Bad(what) => return Err((at, what)),
        };
        if frame.is_record() {
            let record = record::read(frame.payload).ok_or((at, "a record that cannot be"))?;
            if record.seq != next {
                return Err((at, "a record with a wrong seq"));
            }
            next += 1;
        } else if !frame.is_mark() || !mark::is_at(frame.payload, base + at as u64) {
            return Err((at, "a frame that does not belong there"));
        }
        at += frame.len();
    }
    Ok(())
}
