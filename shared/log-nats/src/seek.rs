//! From a log time to a seq.
//!
//! The server can search by the time at which it stored a message, which is near the log time but may be off by any
//! clock's error. So it only gives hints, each checked against the log time in the body; what decides is a binary search.

use std::time::{Duration, UNIX_EPOCH};

use fanjet_event::TimeUs;
use fanjet_log::{LogError, Seq};
use humantime::format_rfc3339_micros;

use crate::inner::Inner;

/// How far the server's times are expected to be off, in microseconds. A wrong guess costs requests, not correctness.
const SLACK_US: u64 = 5_000_000;

pub(crate) async fn seq_at(log: &Inner, time: TimeUs) -> Result<Seq, LogError> {
    let bounds = log.bounds().await?;
    let mut search = Search::new(time.get(), bounds.first, bounds.last + 1);
    let hints = [
        time.get().saturating_sub(SLACK_US),
        time.get().saturating_add(SLACK_US),
    ];
    for hint in hints {
        if search.guess().is_none() {
            break;
        }
        if let Some(entry) = log.stored_since(&rfc3339(hint)).await? {
            search.learn(entry.seq, entry.time()?.get());
        }
    }
    while let Some(guess) = search.guess() {
        match log.first_from(guess).await? {
            Some(entry) if entry.seq == guess => search.learn(guess, entry.time()?.get()),
            found => {
                let first = log.bounds().await?.first;
                if first > guess {
                    search.forget_before(first);
                    continue;
                }
                // It holds no event. A reader that starts there finds out whether one is missing.
                let next = match found {
                    Some(entry) => Some((entry.seq, entry.time()?.get())),
                    None => None,
                };
                search.learn_none(guess, next);
            }
        }
    }
    Ok(search.found())
}

/// The search for the first seq whose time is not below `time`. It lies in `low..=high`.
#[derive(Debug)]
struct Search {
    time: u64,
    low: Seq,
    high: Seq,
    /// The time at `low - 1`, once seen.
    below: Option<u64>,
    /// The time at `high`, once seen.
    above: Option<u64>,
    /// A place that holds no event, and the one behind it that does.
    void: Option<(Seq, Seq)>,
    guesses: u32,
}

impl Search {
    fn new(time: u64, low: Seq, high: Seq) -> Self {
        Self {
            time,
            low,
            high,
            below: None,
            above: None,
            void: None,
            guesses: 0,
        }
    }

    /// Where to look next; none when the answer is `low`. First at the ends. Events come at nearly even distances, so
    /// the place is estimated then, which stays within few of the server's blocks; every other guess halves the
    /// range, in case they do not.
    fn guess(&self) -> Option<Seq> {
        let width = self.high - self.low;
        if width == 0 {
            return None;
        }
        let offset = match (self.below, self.above) {
            (None, _) => 0,
            (_, None) => width - 1,
            (Some(below), Some(above)) if self.guesses.is_multiple_of(2) => {
                let share = u128::from(self.time - below) * u128::from(width);
                let share = share / u128::from((above - below).max(1));
                u64::try_from(share).unwrap_or(width)
            }
            _ => width / 2,
        };
        Some(self.low + offset.min(width - 1))
    }

    /// Takes the time at a seq into account. It may lie outside, having been appended since.
    fn learn(&mut self, seq: Seq, time: u64) {
        self.guesses += 1;
        if !(self.low..self.high).contains(&seq) {
            return;
        }
        if time < self.time {
            self.low = seq + 1;
            self.below = Some(time);
        } else {
            self.high = seq;
            self.above = Some(time);
        }
    }

    /// Takes into account that no event stands from a seq on up to the next one, whose seq and time are these.
    fn learn_none(&mut self, from: Seq, next: Option<(Seq, u64)>) {
        match next {
            Some((seq, time)) if time < self.time => {
                self.learn(seq.clamp(from, self.high - 1), time);
            }
            Some((seq, time)) => {
                self.learn(from, time);
                self.void = Some((from, seq));
            }
            None => {
                let end = self.void.filter(|(at, _)| *at == self.high);
                let end = end.map_or(self.high, |(_, seq)| seq);
                self.learn(from, u64::MAX);
                self.void = Some((from, end));
            }
        }
    }

    /// The answer, once there is nothing left to guess.
    fn found(&self) -> Seq {
        let void = self.void.filter(|(at, _)| *at == self.low);
        void.map_or(self.low, |(_, seq)| seq)
    }

    /// Everything before `first` has expired.
    fn forget_before(&mut self, first: Seq) {
        self.low = first.max(self.low);
        self.high = self.high.max(self.low);
        self.below = None;
    }
}

/// Unix microseconds as `2026-07-04T14:38:08.999123Z`.
fn rfc3339(us: u64) -> String {
    format_rfc3339_micros(UNIX_EPOCH + Duration::from_micros(us)).to_string()
}

#[cfg(test)]
mod tests;
