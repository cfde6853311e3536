//! The range of the log, as far as this node knows.

use fanjet_event::TimeUs;
use fanjet_log::Seq;
use parking_lot::Mutex;

/// Written by the feeder at each check of the log, so at most one check old. Read to detect members behind the log and to
/// report how far back it goes.
#[derive(Debug, Default)]
pub struct Window {
    oldest: Mutex<Oldest>,
}

/// The oldest kept event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Oldest {
    /// Its seq; one above the last when nothing is kept. 0 until the log was asked.
    pub seq: Seq,
    /// Its time, once it is known.
    pub time: Option<TimeUs>,
}

impl Window {
    /// The current state.
    pub fn oldest(&self) -> Oldest {
        *self.oldest.lock()
    }

    /// Drops the state of a replaced log.
    pub(super) fn forget_log(&self) {
        *self.oldest.lock() = Oldest::default();
    }

    /// Records the log's first seq. Older values change nothing.
    pub fn begins_at(&self, seq: Seq) {
        let mut oldest = self.oldest.lock();
        if seq > oldest.seq {
            *oldest = Oldest { seq, time: None };
        }
    }

    /// Records the oldest event.
    pub fn begins_with(&self, seq: Seq, time: TimeUs) {
        let mut oldest = self.oldest.lock();
        if seq >= oldest.seq {
            let time = Some(time);
            *oldest = Oldest { seq, time };
        }
    }
}

#[cfg(test)]
mod tests;
