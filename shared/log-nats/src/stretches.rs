//! Many places of the log, of which many stand in a row.

use std::collections::BTreeMap;
use std::ops::Range;

use fanjet_log::Seq;

/// So many stretches are remembered; then they are forgotten, all of them.
const MAX_STRETCHES: usize = 1024;

/// Ranges of seqs that do not touch each other: their ends by their starts.
#[derive(Debug, Default)]
pub(crate) struct Stretches(BTreeMap<Seq, Seq>);

impl Stretches {
    /// Adds a range; returns how much of it is new.
    pub(crate) fn add(&mut self, places: Range<Seq>) -> u64 {
        let Range { mut start, mut end } = places;
        let mut new = end.saturating_sub(start);
        if new == 0 {
            return 0;
        }
        let touching: Vec<_> = self
            .0
            .range(..=end)
            .rev()
            .take_while(|(_, known_end)| **known_end >= start)
            .map(|(known_start, known_end)| (*known_start, *known_end))
            .collect();
        for (known_start, known_end) in touching {
            new -= known_end
                .min(end)
                .saturating_sub(known_start.max(start))
                .min(new);
            self.0.remove(&known_start);
            start = start.min(known_start);
            end = end.max(known_end);
        }
        if self.0.len() >= MAX_STRETCHES {
            self.0.clear();
        }
        self.0.insert(start, end);
        new
    }

    /// The first stretch at or above a seq.
    pub(crate) fn first_from(&self, seq: Seq) -> Option<Range<Seq>> {
        let around = self.0.range(..=seq).next_back();
        if let Some((_, end)) = around.filter(|(_, end)| **end > seq) {
            return Some(seq..*end);
        }
        self.0.range(seq..).next().map(|(start, end)| *start..*end)
    }
}

#[cfg(test)]
mod tests;
