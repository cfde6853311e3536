//! Decides whether a replay reads everything or lets the log select.
//!
//! Readers that are close to each other share reads of everything, and the log serves them more cheaply, unless almost nothing
//! matches.

use std::sync::Arc;

use fanjet_filter::Filter;
use fanjet_log::Selection;

use crate::tail::{Entry, topics_of};

/// Minimum sample to estimate how frequent a collection is.
const MIN_SAMPLE: usize = 1000;
/// The log selects when fewer than one event in this many matches.
pub(super) const RARE: usize = 100;

/// What to read for a filter, given a sample of recent events.
pub(crate) fn selection_for(
    filter: &Filter,
    sample: impl FnOnce() -> Vec<Arc<Entry>>,
) -> Selection {
    if filter.wants_every_collection() {
        return Selection::All;
    }
    let sample = sample();
    if sample.len() < MIN_SAMPLE {
        return Selection::All;
    }
    let wanted = sample
        .iter()
        .filter(|entry| filter.wants_topic(entry.topic()))
        .count();
    if wanted * RARE >= sample.len() {
        return Selection::All;
    }
    topics_of(filter).map_or(Selection::All, Selection::only)
}

#[cfg(test)]
mod tests;
