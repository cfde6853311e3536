//! From a time to a seq: the index finds the block, the block has the record.

use std::sync::Arc;

use bytes::Bytes;
use fanjet_event::TimeUs;
use fanjet_log::{LogError, Seq};

use crate::block::{self, damaged};
use crate::format::frame::{self, Found};
use crate::format::record;
use crate::shared::{Shared, on_disk};

/// The seq of the first kept record whose log time is at least `time`.
pub(crate) async fn seq_at(shared: &Arc<Shared>, time: TimeUs) -> Result<Seq, LogError> {
    on_disk(shared, move |shared| find(shared, time.get())).await
}

fn find(shared: &Shared, time: u64) -> Result<Seq, LogError> {
    loop {
        let (bounds, at) = {
            let state = shared.state.read();
            (state.bounds(), state.block_at(time))
        };
        let Some(at) = at else {
            return Ok(bounds.last + 1);
        };
        if let Some(block) = block::load(&shared.cache, &at)? {
            return first_at(&block.frames, time).ok_or_else(|| {
                let no_such = || damaged(&at, 0, "index and block disagree about a time");
                block.damage.unwrap_or_else(no_such)
            });
        }
        if shared.state.read().bounds().first <= at.segment {
            return Err(damaged(&at, 0, "the file is gone"));
        }
    }
}

fn first_at(frames: &Bytes, time: u64) -> Option<Seq> {
    let mut at = 0;
    while let Found::Frame(frame) = frame::read_trusted(&frames[at..]) {
        if frame.is_record()
            && let Some(record) = record::read(frame.payload)
            && record.time >= time
        {
            return Some(record.seq);
        }
        at += frame.len();
    }
    None
}
