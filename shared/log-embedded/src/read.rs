//! Pages.

use std::sync::Arc;

use bytes::Bytes;
use fanjet_log::{LogError, Page, ReadLimit, Seq};

use crate::block::{self, damaged};
use crate::decode::Decoder;
use crate::format::frame::{self, Found};
use crate::format::{record, void};
use crate::shared::{Shared, on_disk};
use crate::state::{BlockAt, Location};

/// Bytes that one page scans. A page stops there, empty if nothing matched.
const SCAN_BYTES: usize = 8 << 20;
/// The same for a page from memory, which is built on a thread that must not block.
const MEMORY_SCAN_BYTES: usize = 1 << 20;

/// One page from `from` on, or from the oldest kept event. Uses the disk only in a blocking thread.
pub(crate) async fn page(
    shared: &Arc<Shared>,
    from: Seq,
    mut decoder: Decoder,
    limit: ReadLimit,
) -> Result<(Page, Decoder), LogError> {
    let place = {
        let state = shared.state.read();
        state.place_of(from.max(state.bounds().first))
    };
    if !matches!(place, Location::Block(_)) {
        let page = Builder::new(from, limit, Reach::Memory).build(shared, &mut decoder)?;
        // The data may have been evicted from memory meanwhile.
        if page.at_end || page.next > from {
            return Ok((page, decoder));
        }
    }
    on_disk(shared, move |shared| {
        let page = Builder::new(from, limit, Reach::Disk).build(shared, &mut decoder)?;
        Ok((page, decoder))
    })
    .await
}

/// How far a page may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// It ends where the disk would be needed.
    Memory,
    /// Everywhere.
    Disk,
}

/// Whether a page continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Next,
    Full,
}

struct Builder {
    page: Page,
    limit: ReadLimit,
    reach: Reach,
    /// Bytes of bodies in the page.
    bytes: usize,
    /// Bytes scanned.
    scanned: usize,
}

impl Builder {
    fn new(from: Seq, limit: ReadLimit, reach: Reach) -> Self {
        Self {
            page: Page {
                entries: Vec::new(),
                next: from,
                at_end: false,
            },
            limit,
            reach,
            bytes: 0,
            scanned: 0,
        }
    }

    fn build(mut self, shared: &Shared, decoder: &mut Decoder) -> Result<Page, LogError> {
        loop {
            let place = {
                let state = shared.state.read();
                let first = state.bounds().first;
                // Events that expired in the middle of a page would be a gap in it.
                if self.page.next < first && !self.page.entries.is_empty() {
                    return Ok(self.page);
                }
                self.page.next = self.page.next.max(first);
                state.place_of(self.page.next)
            };
            let then = match place {
                Location::End => {
                    self.page.at_end = true;
                    return Ok(self.page);
                }
                Location::Memory(frames) => self.add(&frames, decoder).map_err(|(_, what)| {
                    LogError::corrupt(self.page.next, format!("in memory: {what}"))
                })?,
                Location::Block(_) if self.reach == Reach::Memory => return Ok(self.page),
                Location::Block(at) => self.add_block(shared, decoder, &at)?,
            };
            if then == Then::Full {
                self.page.at_end = self.page.next > shared.state.read().bounds().last;
                return Ok(self.page);
            }
        }
    }

    fn add_block(
        &mut self,
        shared: &Shared,
        decoder: &mut Decoder,
        at: &BlockAt,
    ) -> Result<Then, LogError> {
        match block::load(&shared.cache, at)? {
            Some(block) => {
                let then = self
                    .add(&block.frames, decoder)
                    .map_err(|(offset, what)| damaged(at, offset, what))?;
                match block.damage {
                    None => Ok(then),
                    // Complete events before it are served first.
                    Some(_) if then == Then::Full || !self.page.entries.is_empty() => {
                        Ok(Then::Full)
                    }
                    Some(damage) => Err(damage),
                }
            }
            None if shared.state.read().bounds().first > self.page.next => Ok(Then::Next),
            None => Err(damaged(at, 0, "the file is gone")),
        }
    }

    /// Adds the matching entries of verified frames.
    fn add(
        &mut self,
        frames: &Bytes,
        decoder: &mut Decoder,
    ) -> Result<Then, (usize, &'static str)> {
        let mut at = 0;
        while let Found::Frame(frame) = frame::read_trusted(&frames[at..]) {
            if frame.is_void() {
                let (_, last) = void::read(frame.payload).ok_or((at, "invalid void"))?;
                self.page.next = self.page.next.max(last + 1);
            } else if frame.is_record() {
                let record = record::read(frame.payload).ok_or((at, "invalid record"))?;
                if record.seq >= self.page.next {
                    let wanted = decoder.wanted(&record).map_err(|what| (at, what))?;
                    if let Some(topic) = wanted {
                        if self.is_full(record.body.len()) {
                            return Ok(Then::Full);
                        }
                        self.bytes += record.body.len();
                        let entry = decoder.entry(&record, topic, frames);
                        self.page.entries.push(entry.map_err(|what| (at, what))?);
                    }
                    self.page.next = record.seq + 1;
                }
            }
            at += frame.len();
        }
        self.scanned += at;
        let is_enough = self.page.entries.len() >= self.limit.entries;
        let most = match self.reach {
            Reach::Memory => MEMORY_SCAN_BYTES,
            Reach::Disk => SCAN_BYTES,
        };
        Ok(if is_enough || self.scanned >= most {
            Then::Full
        } else {
            Then::Next
        })
    }

    fn is_full(&self, body: usize) -> bool {
        let count = self.page.entries.len();
        count >= self.limit.entries.max(1)
            || (count > 0 && self.bytes.saturating_add(body) > self.limit.bytes)
    }
}
