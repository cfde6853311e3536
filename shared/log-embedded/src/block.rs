//! Blocks of segment files: read, verified, and cached for readers that are close to each other.

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
use crate::format::{covers, mark};
use crate::state::BlockAt;

/// This many consecutive read failures of a block count as damage. Readers retry by themselves, with pauses: nothing
/// sleeps here, where a few threads read for all.
const ATTEMPTS: u32 = 5;
/// Maximum number of blocks with remembered failures.
const MAX_UNREADABLE: usize = 256;

/// The most recently read blocks, bounded by bytes. The block read first is evicted first.
#[derive(Debug)]
pub(crate) struct BlockCache {
    kept: Mutex<Kept>,
    max_bytes: usize,
    /// Consecutive read failures of each block.
    unreadable: Mutex<HashMap<Key, u32>>,
}

/// A segment's first seq, and where the block begins and ends in it. The same seqs always have the same bytes, so entries need no
/// invalidation: a segment that was removed and written again may only end elsewhere.
type Key = (Seq, u64, u64);

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

    /// Records that the disk failed to read a block; returns the number of consecutive failures.
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

/// A block that was read.
pub(crate) struct Block {
    /// Its verified frames.
    pub(crate) frames: Bytes,
    /// Why they end early, if they do.
    pub(crate) damage: Option<LogError>,
}

/// Reads a block up to its end, or to the damage in it. `None` if its file is gone: the segment has expired.
pub(crate) fn load(cache: &BlockCache, at: &BlockAt) -> Result<Option<Block>, LogError> {
    let key = (at.segment, at.begin, at.end);
    if at.is_whole
        && let Some(frames) = cache.get(key)
    {
        return Ok(Some(Block::whole(frames)));
    }
    let mut frames = match read(at) {
        Ok(frames) => frames,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(damaged(at, 0, "the file was truncated"));
        }
        Err(error) if is_unreadable(&error) && cache.failed(key) >= ATTEMPTS => {
            let what = format!("read failed: {error}");
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

/// The error for damage at an offset of a block.
pub(crate) fn damaged(at: &BlockAt, offset: usize, what: &str) -> LogError {
    corrupt(at, at.first, offset, what)
}

/// The same if the seq at that offset is known.
fn corrupt(at: &BlockAt, seq: Seq, offset: usize, what: &str) -> LogError {
    let offset = at.begin + offset as u64;
    let file = at.path.display();
    LogError::corrupt(seq, format!("{file} is damaged at byte {offset}: {what}"))
}

fn read(at: &BlockAt) -> io::Result<Vec<u8>> {
    let file = File::open(&at.path)?;
    // A block exceeds its minimum size by at most one record of maximum size.
    let mut frames = vec![0; (at.end - at.begin) as usize];
    file.read_exact_at(&mut frames, at.begin)?;
    Ok(frames)
}

/// A position at which frames are invalid.
#[derive(Debug)]
pub(crate) struct Bad {
    pub(crate) offset: usize,
    /// The first missing event.
    pub(crate) seq: Seq,
    pub(crate) what: &'static str,
}

/// Verifies that the frames from `base` on are complete, and their records numbered from `first` on.
pub(crate) fn check(frames: &[u8], base: u64, first: Seq) -> Result<(), Bad> {
    let (mut offset, mut seq) = (0, first);
    while offset < frames.len() {
        let bad = |what| Bad { offset, seq, what };
        let frame = match frame::read(&frames[offset..]) {
            Found::Frame(frame) => frame,
            Found::Short(_) => return Err(bad("truncated frame")),
            Found::Bad(what) => return Err(bad(what)),
        };
        let length = frame.len();
        if frame.has_seqs() {
            let found = covers::of(&frame).ok_or_else(|| bad("invalid record"))?;
            if found.first != seq {
                return Err(bad("record with a wrong seq"));
            }
            seq = found.last + 1;
        } else if !frame.is_mark() || !mark::is_at(frame.payload, base + offset as u64) {
            return Err(bad("misplaced frame"));
        }
        offset += length;
    }
    Ok(())
}
