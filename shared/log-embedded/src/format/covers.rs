//! The seqs that a frame accounts for: one of a record, a run of a void.

use fanjet_log::Seq;

use super::frame::Frame;
use super::{record, void};

/// Which seqs a frame accounts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Covers {
    /// The first.
    pub(crate) first: Seq,
    /// The last.
    pub(crate) last: Seq,
    /// The log time of the event in microseconds, 0 without one.
    pub(crate) time: u64,
}

/// What a record or a void covers; `None` if it cannot be parsed.
pub(crate) fn of(frame: &Frame<'_>) -> Option<Covers> {
    if frame.is_void() {
        let (first, last) = void::read(frame.payload)?;
        return Some(Covers {
            first,
            last,
            time: 0,
        });
    }
    let record = record::read(frame.payload)?;
    (record.seq < Seq::MAX).then_some(Covers {
        first: record.seq,
        last: record.seq,
        time: record.time,
    })
}
