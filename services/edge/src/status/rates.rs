//! From totals to rates: pure, over the time that has really passed.

use std::collections::VecDeque;
use std::time::Duration;

use crate::tail::Counts;

/// Observations of one second each that make "now".
const NOW: usize = 5;
/// Those over which rows are measured.
pub(super) const MINUTE: usize = 60;
/// Those that are kept of the whole.
const HOUR: usize = 3600;

/// The last hour in all, and the last minute by row.
#[derive(Debug, Default)]
pub(super) struct Rates {
    seen: Vec<u64>,
    seen_in_all: Flow,
    /// What each of the last observations brought, by row.
    minute: VecDeque<(Duration, Vec<(u32, u64)>)>,
    in_minute: Vec<u64>,
    hour: VecDeque<Flow>,
}

/// What flowed in some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flow {
    pub(super) time: Duration,
    pub(super) events: u64,
    pub(super) bytes: u64,
}

impl Flow {
    pub(super) fn events_per_second(&self) -> f64 {
        per_second(self.events, self.time)
    }

    pub(super) fn bytes_per_second(&self) -> f64 {
        per_second(self.bytes, self.time)
    }
}

impl Rates {
    /// Takes the totals, `time` after they were taken last.
    pub(super) fn observe(&mut self, counts: &Counts, time: Duration) {
        self.seen.resize(counts.rows.len(), 0);
        self.in_minute.resize(counts.rows.len(), 0);
        let mut changed = Vec::new();
        for (at, row) in counts.rows.iter().enumerate() {
            let new = row.events - self.seen[at];
            if new > 0 {
                changed.push((at as u32, new));
                self.in_minute[at] += new;
                self.seen[at] = row.events;
            }
        }
        self.minute.push_back((time, changed));
        if self.minute.len() > MINUTE {
            let (_, gone) = self.minute.pop_front().unwrap_or_default();
            for (at, events) in gone {
                self.in_minute[at as usize] -= events;
            }
        }
        self.hour.push_back(Flow {
            time,
            events: counts.events - self.seen_in_all.events,
            bytes: counts.bytes - self.seen_in_all.bytes,
        });
        if self.hour.len() > HOUR {
            self.hour.pop_front();
        }
        self.seen_in_all = Flow {
            time,
            events: counts.events,
            bytes: counts.bytes,
        };
    }

    pub(super) fn now(&self) -> Flow {
        sum(self.hour.iter().rev().take(NOW))
    }

    /// At most an hour; less while the node is younger.
    pub(super) fn hour(&self) -> Flow {
        sum(self.hour.iter())
    }

    /// The last hour in steps of a minute, the newest last; what is older than the node is missing.
    pub(super) fn minutes(&self) -> Vec<f64> {
        let flows: Vec<_> = self.hour.iter().rev().collect();
        let minutes = flows.chunks(MINUTE);
        let mut rates: Vec<_> = minutes
            .map(|minute| sum(minute.iter().copied()).events_per_second())
            .collect();
        rates.reverse();
        rates
    }

    /// Over how much time rows are measured: at most about a minute.
    pub(super) fn measured(&self) -> Duration {
        self.minute.iter().map(|(time, _)| time).sum()
    }

    /// Events of a row in that time.
    pub(super) fn of_row(&self, row: usize) -> u64 {
        self.in_minute.get(row).copied().unwrap_or_default()
    }
}

pub(super) fn per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() {
        return 0.0;
    }
    count as f64 / time.as_secs_f64()
}

fn sum<'a>(flows: impl Iterator<Item = &'a Flow>) -> Flow {
    flows.fold(Flow::default(), |sum, flow| Flow {
        time: sum.time + flow.time,
        events: sum.events + flow.events,
        bytes: sum.bytes + flow.bytes,
    })
}

#[cfg(test)]
mod tests;
