//! What the log still holds, as far as this node knows.

use fanjet_event::TimeUs;
use fanjet_log::Seq;
use parking_lot::Mutex;

/// Written by the feeder at each check of the log; at most one check old. Read wherever somebody may have fallen
/// out of the log, or must be told how far back it goes.
#[derive(Debug, Default)]
pub struct Window {
    oldest: Mutex<Oldest>,
}

/// The oldest event that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Oldest {
    /// Its position; one above the last when nothing is kept. 0 until the log was asked.
    pub seq: Seq,
    /// Its time, once it is known.
    pub time: Option<TimeUs>,
}

impl Window {
    /// What is known now.
    pub fn oldest(&self) -> Oldest {
        *self.oldest.lock()
    }

    /// Forgets a log in whose place there is another one.
    pub(super) fn begin_anew(&self) {
        *self.oldest.lock() = Oldest::default();
    }

    /// Notes where the log begins. Older news than what is known changes nothing.
    pub fn begins_at(&self, seq: Seq) {
        let mut oldest = self.oldest.lock();
        if seq > oldest.seq {
            *oldest = Oldest { seq, time: None };
        }
    }

    /// Notes the oldest event itself.
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
