//! Blocks of segment files: read, checked, and kept for readers that are close to each other.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use fanjet_log::{LogError, Seq};
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::error::is_unreadable;
use crate::format::frame::{self, Found};
use crate::format::{mark, record};
use crate::state::BlockAt;

/// So many failures in a row to read a block are damage. Whoever reads it tries again by itself, and pauses: nobody sleeps
/// here, where a few threads read for all.
const ATTEMPTS: u32 = 5;
/// Most blocks whose failures are remembered.
const MAX_UNREADABLE: usize = 256;

/// The newest blocks that somebody read, within a bound of bytes. The one read first goes first.
#[derive(Debug)]
pub(crate) struct BlockCache {
    kept: Mutex<Kept>,
    max_bytes: usize,
    /// How often in a row the disk could not read a block.
    unreadable: Mutex<HashMap<Key, u32>>,
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
            unreadable: Mutex::default(),
        }
    }

    fn get(&self, key: Key) -> Option<Bytes> {
        self.kept.lock().blocks.get(&key).cloned()
    }

    /// The disk could not read a block. How often that was in a row.
    fn failed(&self, key: Key) -> u32 {
        let mut unreadable = self.unreadable.lock();
        if unreadable.len() >= MAX_UNREADABLE && !unreadable.contains_key(&key) {
            unreadable.clear();
        }
        let failures = unreadable.entry(key).or_default();
        *failures = failures.saturating_add(1);
        *failures
    }

    fn succeeded(&self, key: Key) {
        self.unreadable.lock().remove(&key);
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

/// What was read of a block.
pub(crate) struct Block {
    /// Its frames, each of them checked.
    pub(crate) frames: Bytes,
    /// Why they end early, if they do.
    pub(crate) damage: Option<LogError>,
}

/// A block up to its end, or to where it is damaged. `None` when its file is gone: the segment has expired.
pub(crate) fn load(cache: &BlockCache, at: &BlockAt) -> Result<Option<Block>, LogError> {
    let key = (at.segment, at.begin);
    if at.is_whole
        && let Some(frames) = cache.get(key)
    {
        return Ok(Some(Block::whole(frames)));
    }
    let mut frames = match read(at) {
        Ok(frames) => frames,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(damaged(at, 0, "the file is shorter than it was"));
        }
        Err(error) if is_unreadable(&error) && cache.failed(key) >= ATTEMPTS => {
            let what = format!("the disk cannot read it: {error}");
            return Ok(Some(Block {
                frames: Bytes::new(),
                damage: Some(damaged(at, 0, &what)),
            }));
        }
        Err(error) => return Err(LogError::unavailable(error)),
    };
    cache.succeeded(key);
    if let Err(bad) = check(&frames, at.begin, at.first) {
        frames.truncate(bad.offset);
        let damage = corrupt(at, bad.seq, bad.offset, bad.what);
        return Ok(Some(Block {
            frames: Bytes::from(frames),
            damage: Some(damage),
        }));
    }
    let frames = Bytes::from(frames);
    if at.is_whole {
        cache.put(key, frames.clone());
    }
    Ok(Some(Block::whole(frames)))
}

impl Block {
    fn whole(frames: Bytes) -> Self {
        Self {
            frames,
            damage: None,
        }
    }
}

/// Damage at an offset of a block.
pub(crate) fn damaged(at: &BlockAt, offset: usize, what: &str) -> LogError {
    corrupt(at, at.first, offset, what)
}

/// The same where it is known which event stood there.
fn corrupt(at: &BlockAt, seq: Seq, offset: usize, what: &str) -> LogError {
    let offset = at.begin + offset as u64;
    let file = at.path.display();
    LogError::corrupt(seq, format!("{file} is damaged at byte {offset}: {what}"))
}

fn read(at: &BlockAt) -> io::Result<Vec<u8>> {
    let file = File::open(&at.path)?;
    // A block is one largest record longer than its least size at most.
    let mut frames = vec![0; (at.end - at.begin) as usize];
    file.read_exact_at(&mut frames, at.begin)?;
    Ok(frames)
}

/// Where frames are not what they must be.
#[derive(Debug)]
pub(crate) struct Bad {
    pub(crate) offset: usize,
    /// The first event that is not there.
    pub(crate) seq: Seq,
    pub(crate) what: &'static str,
}

/// That frames, which begin at `base` in their file, are whole, and their records numbered from `first` on.
pub(crate) fn check(frames: &[u8], base: u64, first: Seq) -> Result<(), Bad> {
    let (mut offset, mut seq) = (0, first);
    while offset < frames.len() {
        let bad = |what| Bad { offset, seq, what };
        let frame = match frame::read(&frames[offset..]) {
            Found::Frame(frame) => frame,
            Found::Short(_) => return Err(bad("a frame without its end")),
            Found::Bad(what) => return Err(bad(what)),
        };
        let length = frame.len();
        if frame.is_record() {
            let record =
                record::read(frame.payload).ok_or_else(|| bad("a record that cannot be"))?;
            if record.seq != seq {
                return Err(bad("a record with a wrong seq"));
            }
            seq += 1;
        } else if !frame.is_mark() || !mark::is_at(frame.payload, base + offset as u64) {
            return Err(bad("a frame that does not belong there"));
        }
        offset += length;
    }
    Ok(())
}
