//! Whether a replay reads everything, or lets the log select.
//!
//! Reading everything is shared by all who are near, and it is the cheaper way for the log too, unless next to nothing
//! of it is wanted.

use std::sync::Arc;

use fanjet_event::NsidPrefix;
use fanjet_filter::Filter;
use fanjet_log::{Selection, TopicFilter};

use crate::tail::Entry;

/// Least events that say how common something is.
const MIN_SAMPLE: usize = 1000;
/// The log selects when fewer than one event in this many is wanted.
const RARE: usize = 100;

/// What to read for a filter, given events of the recent past.
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
    topics_of(filter).map_or(Selection::All, Selection::Only)
}

/// The topics that pass the collection filter; `None` when a prefix cannot be said in the log's words.
fn topics_of(filter: &Filter) -> Option<Vec<TopicFilter>> {
    let exact = filter.collections().iter().cloned();
    let prefixes = filter.prefixes().iter().map(|prefix| {
        let head = prefix.strip_suffix('.')?;
        let head = NsidPrefix::parse(head).ok()?.shared();
        Some(TopicFilter::CollectionsUnder(head))
    });
    exact
        .map(|collection| Some(TopicFilter::Collection(collection)))
        .chain(prefixes)
        .chain([Some(TopicFilter::Identity), Some(TopicFilter::Account)])
        .collect()
}

#[cfg(test)]
mod tests;
