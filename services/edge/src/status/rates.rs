//! Computes rates from totals over the actually elapsed time. Pure.

use std::collections::VecDeque;
use std::time::Duration;

use crate::tail::Counts;

/// Number of one-second observations for the current rate.
const NOW: usize = 5;
/// Number of observations that rows are measured over.
pub(super) const MINUTE: usize = 60;
/// Number of observations of the total that are kept.
const HOUR: usize = 3600;

/// The total of the last hour, and the last minute by row.
#[derive(Debug, Default)]
pub(super) struct Rates {
    seen: Vec<u64>,
    seen_in_all: Flow,
    /// The increase in each recent observation, by row.
    minute: VecDeque<(Duration, Vec<(u32, u64)>)>,
    in_minute: Vec<u64>,
    hour: VecDeque<Flow>,
}

/// Events and bytes in a period.
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
    /// Records the totals, `time` after the previous call.
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

    /// The last hour in steps of a minute, the newest last; shorter for a young node.
    pub(super) fn minutes(&self) -> Vec<f64> {
        let flows: Vec<_> = self.hour.iter().rev().collect();
        let minutes = flows.chunks(MINUTE);
        let mut rates: Vec<_> = minutes
            .map(|minute| sum(minute.iter().copied()).events_per_second())
            .collect();
        rates.reverse();
        rates
    }

    /// The period that rows are measured over: at most about a minute.
    pub(super) fn measured(&self) -> Duration {
        self.minute.iter().map(|(time, _)| time).sum()
    }

    /// Events of a row in that period.
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
