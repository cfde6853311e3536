//! From a wire seq to a position in the log. Wire seqs rise with gaps of any size.

use fanjet_log::{Bounds, EventLog, LogError, ReadLimit, Seq};

use super::ring::RawFrame;
use super::view::View;

/// So many guesses estimate the position; later ones halve the range, in case the gaps are uneven.
const ESTIMATES: u32 = 10;

/// The seq of the first frame whose wire seq is not below `wire_seq`; one above the last if there is none.
///
/// # Errors
/// [`LogError`].
pub(crate) async fn seq_at(
    log: &dyn EventLog,
    view: &View,
    bounds: Bounds,
    wire_seq: u64,
) -> Result<Seq, LogError> {
    let mut search = Search::new(wire_seq, bounds.first, bounds.last + 1);
    while let Some(guess) = search.guess() {
        let found = frame_at(log, view, guess).await?;
        search.learn(guess, found.map(|frame| (frame.seq, frame.wire_seq)));
    }
    Ok(search.low)
}

/// The first frame from a seq on.
///
/// # Errors
/// [`LogError`].
pub(crate) async fn frame_at(
    log: &dyn EventLog,
    view: &View,
    mut seq: Seq,
) -> Result<Option<RawFrame>, LogError> {
    let one = ReadLimit {
        entries: 1,
        bytes: 0,
    };
    loop {
        let page = log.read(seq, &view.selection(), one).await?;
        if let Some(entry) = page.entries.into_iter().next() {
            return view.frame(entry).map(Some);
        }
        // In a long stretch without a match a page may be empty before the end.
        if page.at_end || page.next <= seq {
            return Ok(None);
        }
        seq = page.next;
    }
}

/// The newest frame from a seq on.
///
/// # Errors
/// [`LogError`].
pub(crate) async fn newest_from(
    log: &dyn EventLog,
    view: &View,
    mut seq: Seq,
) -> Result<Option<RawFrame>, LogError> {
    let limit = ReadLimit {
        entries: 256,
        bytes: 1 << 20,
    };
    let mut newest = None;
    loop {
        let page = log.read(seq, &view.selection(), limit).await?;
        if let Some(entry) = page.entries.into_iter().next_back() {
            newest = Some(view.frame(entry)?);
        }
        if page.at_end || page.next <= seq {
            return Ok(newest);
        }
        seq = page.next;
    }
}

/// The answer lies in `low..=high`.
#[derive(Debug)]
struct Search {
    wire_seq: u64,
    low: Seq,
    high: Seq,
    /// The wire seq below `low`, once seen.
    below: Option<u64>,
    /// The wire seq from `high` on, once seen.
    above: Option<u64>,
    guesses: u32,
}

impl Search {
    fn new(wire_seq: u64, low: Seq, high: Seq) -> Self {
        Self {
            wire_seq,
            low,
            high: high.max(low),
            below: None,
            above: None,
            guesses: 0,
        }
    }

    /// Where to look next; `None` when the answer is `low`. First at the ends.
    fn guess(&self) -> Option<Seq> {
        let width = self.high - self.low;
        if width == 0 {
            return None;
        }
        let offset = match (self.below, self.above) {
            (None, _) => 0,
            (_, None) => width - 1,
            (Some(below), Some(above))
                if self.guesses < ESTIMATES && self.guesses.is_multiple_of(2) =>
            {
                let share = u128::from(self.wire_seq - below) * u128::from(width);
                let share = share / u128::from((above - below).max(1));
                u64::try_from(share).unwrap_or(width)
            }
            _ => width / 2,
        };
        Some(self.low + offset.min(width - 1))
    }

    /// Takes the first frame from `guess` on into account.
    fn learn(&mut self, guess: Seq, found: Option<(Seq, u64)>) {
        self.guesses += 1;
        match found {
            Some((seq, wire_seq)) if wire_seq < self.wire_seq => {
                self.low = (seq + 1).min(self.high);
                self.below = Some(wire_seq);
            }
            found => {
                self.high = guess;
                self.above = found.map(|(_, wire_seq)| wire_seq).or(self.above);
            }
        }
    }
}

#[cfg(test)]
mod tests;
