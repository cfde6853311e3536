//! Where to start in an upstream with different numbering. Pure: returns the next question, and takes the result.
//!
//! An upstream accepts only its own seqs, and reveals a seq's time only by sending the frame. So: connect to the live
//! end, then further and further back, until the first frame is older than `target` by its own time. The last step too
//! far is then halved, so that little is read before `not_before`, which is how far back the log's events are indexed.
//! An upstream whose history does not reach back that far is read from its oldest frame.

use crate::frame_time::FrameTime;
use crate::read_position::FramePosition;

/// The maximum number of questions to an upstream; doubling and halving need far fewer.
pub(crate) const MAX_ASKS: u32 = 100;
/// The first step back, in seqs: seconds of a busy network, much of a quiet one.
const FIRST_STEP: u64 = 1024;

/// The first thing that arrived after a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SearchResult {
    /// A frame. `is_oldest`: the upstream reported that it has dropped everything before it.
    Frame {
        place: FramePosition,
        is_oldest: bool,
    },
    /// Nothing arrived within the time allowed for a sign of life.
    Silence,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextProbe {
    /// Connect with this cursor (`None`: at the live end) and report what arrives first.
    Ask(Option<u64>),
    /// Connect with this cursor and read.
    Read(u64),
    /// Keep reading the last connection. `is_short`: the history did not reach back to the target.
    Stay { is_short: bool },
    /// The upstream's seqs are below the known one, although much time has passed: it restarted its sequence.
    Renumbered,
    /// The results make no sense: retry later.
    GiveUp,
}

/// One search.
#[derive(Debug)]
pub(crate) struct Search {
    target: FrameTime,
    not_before: FrameTime,
    /// Everything up to here is in the log.
    known: Option<FramePosition>,
    /// Known to be early enough; perhaps earlier than needed.
    low: Option<FramePosition>,
    /// Known to be too late.
    high: Option<FramePosition>,
    step: u64,
    asks: u32,
}

impl Search {
    /// Searches for a frame at or before `target`, and if possible not before `not_before`. `known` is a position in
    /// this upstream up to which everything is in the log.
    pub(crate) fn new(
        target: FrameTime,
        not_before: FrameTime,
        known: Option<FramePosition>,
    ) -> Self {
        Self {
            target: target.max(not_before),
            not_before,
            known,
            low: known,
            high: None,
            step: FIRST_STEP,
            asks: 0,
        }
    }

    pub(crate) fn first(&mut self) -> NextProbe {
        match self.low {
            Some(low) if low.time >= self.not_before => NextProbe::Read(low.seq),
            _ => self.ask(None),
        }
    }

    /// Whether reading at this cursor starts where the upstream was last read.
    pub(crate) fn is_known(&self, cursor: u64) -> bool {
        self.known
            .is_some_and(|known| (known.seq.saturating_sub(1)..=known.seq).contains(&cursor))
    }

    /// Processes the result of the last [`NextProbe::Ask`].
    pub(crate) fn answered(&mut self, asked: Option<u64>, answer: SearchResult) -> NextProbe {
        match (asked, answer) {
            (None, SearchResult::Silence) => match self.low {
                // Quiet: little follows what is known.
                Some(low) => NextProbe::Read(low.seq),
                None => self.ask(Some(0)),
            },
            (Some(0), SearchResult::Silence) => NextProbe::Stay { is_short: false },
            (Some(_), SearchResult::Silence) => NextProbe::GiveUp,
            (None, SearchResult::Frame { place, .. }) => {
                if place.time <= self.target {
                    // The upstream is not ahead of the log.
                    return NextProbe::Stay { is_short: false };
                }
                self.go_back_from(place)
            }
            (Some(cursor), SearchResult::Frame { place, is_oldest }) => {
                if place.time > self.target {
                    if is_oldest || cursor == 0 || self.low.is_some_and(|low| cursor <= low.seq) {
                        return NextProbe::Stay { is_short: true };
                    }
                    // The frame itself may be far above the cursor: nothing lies in between.
                    let seq = cursor.saturating_add(1).min(place.seq);
                    return self.go_back_from(FramePosition { seq, ..place });
                }
                if place.time < self.not_before && !is_oldest {
                    return self.go_forward_from(place);
                }
                NextProbe::Stay { is_short: false }
            }
        }
    }

    fn go_back_from(&mut self, high: FramePosition) -> NextProbe {
        if self.known.is_some_and(|known| high.seq <= known.seq) {
            return NextProbe::Renumbered;
        }
        if let Some(before) = self.high {
            self.step = self.step.saturating_mul(2).max(self.guess(before, high));
        }
        self.high = Some(high);
        let cursor = high.seq.saturating_sub(1).saturating_sub(self.step);
        match self.low {
            Some(low) if cursor <= low.seq => self.halve(low, high),
            _ => self.ask(Some(cursor)),
        }
    }

    fn go_forward_from(&mut self, low: FramePosition) -> NextProbe {
        if self.low.is_none_or(|known| low.seq > known.seq) {
            self.low = Some(low);
        }
        match (self.low, self.high) {
            (Some(low), Some(high)) => self.halve(low, high),
            _ => NextProbe::Stay { is_short: false },
        }
    }

    fn halve(&mut self, low: FramePosition, high: FramePosition) -> NextProbe {
        let cursor = low.seq + high.seq.saturating_sub(low.seq) / 2;
        if cursor <= low.seq || cursor + 1 >= high.seq {
            return NextProbe::Read(low.seq.saturating_sub(1));
        }
        self.ask(Some(cursor))
    }

    /// How many seqs lie between `late` and the target if they arrive as fast as from `late` to `later`, plus a
    /// quarter.
    fn guess(&self, later: FramePosition, late: FramePosition) -> u64 {
        let micros = later.time.micros().saturating_sub(late.time.micros());
        let missing = late.time.micros().saturating_sub(self.target.micros());
        if micros <= 0 {
            return 0;
        }
        let per_micro = later.seq.saturating_sub(late.seq) as f64 / micros as f64;
        (missing as f64 * per_micro * 1.25) as u64
    }

    fn ask(&mut self, cursor: Option<u64>) -> NextProbe {
        self.asks += 1;
        if self.asks > MAX_ASKS {
            return NextProbe::GiveUp;
        }
        NextProbe::Ask(cursor)
    }
}

#[cfg(test)]
mod tests;
