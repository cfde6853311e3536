//! From a log time to a seq.
//!
//! The server can search by the time at which it stored a message, which is near the log time but may be off by any
//! clock's error. So it only gives hints, each checked against the log time in the body; what decides is a binary search.

use fanjet_event::TimeUs;
use fanjet_log::{Entry, LogError, Seq};

use crate::log::Inner;

/// How far the server's times are expected to be off, in microseconds. A wrong guess costs requests, not correctness.
const SLACK_US: u64 = 5_000_000;

/// Where the answer lies: in `low..=high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    low: Seq,
    high: Seq,
}

pub(crate) async fn seq_at(log: &Inner, time: TimeUs) -> Result<Seq, LogError> {
    let bounds = log.bounds().await?;
    let mut range = Range {
        low: bounds.first,
        high: bounds.last + 1,
    };
    let hints = [
        time.get().saturating_sub(SLACK_US),
        time.get().saturating_add(SLACK_US),
    ];
    for hint in hints {
        if range.low == range.high {
            break;
        }
        if let Some(message) = log.direct.stored_since(&rfc3339(hint)).await? {
            range.narrow(log.stored(message)?, time)?;
        }
    }
    while range.low < range.high {
        let middle = range.low + (range.high - range.low) / 2;
        match log.at(middle).await? {
            Some(entry) => range.narrow(entry, time)?,
            // Expired since.
            None => {
                let first = log.bounds().await?.first;
                if first <= middle {
                    return Err(LogError::Gap {
                        expected: middle,
                        found: middle + 1,
                    });
                }
                range.low = first.min(range.high).max(middle + 1);
            }
        }
    }
    Ok(range.low)
}

impl Range {
    /// Takes one entry into account. It may lie outside, having been appended since.
    fn narrow(&mut self, entry: Entry, time: TimeUs) -> Result<(), LogError> {
        if entry.time()? < time {
            self.low = self.low.max(entry.seq + 1).min(self.high);
        } else {
            self.high = self.high.min(entry.seq).max(self.low);
        }
        Ok(())
    }
}

/// Unix microseconds as `2026-07-04T14:38:08.999123Z`.
fn rfc3339(us: u64) -> String {
    let (seconds, us) = (us / 1_000_000, us % 1_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{us:06}Z")
}

/// The civil date of a day since 1970-01-01: years begin in March, so that the leap day is the last.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_IN_400_YEARS: u64 = 146_097;
    const DAYS_BEFORE_1970_03_01: u64 = 719_468;
    let days = days + DAYS_BEFORE_1970_03_01;
    let (era, day_of_era) = (days / DAYS_IN_400_YEARS, days % DAYS_IN_400_YEARS);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era + u64::from(month >= 10);
    (year, if month < 10 { month + 3 } else { month - 9 }, day)
}

#[cfg(test)]
mod tests;
