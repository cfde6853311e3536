//! Which part of a snapshot metrics show: the largest collections by name, the rest combined.

use std::sync::Arc;

use fanjet_cluster::freshness::{Row, Snapshot};
use parking_lot::Mutex;

/// The view of the current term; empty while another process leads.
pub(crate) type SharedView = Arc<Mutex<Option<View>>>;

/// Bounded: a fixed number of names, however many collections exist.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    /// Silent collections first, then by volume.
    pub(crate) labelled: Vec<Labelled>,
    /// Events counted while their collection had no name here. Never decreases.
    pub(crate) other_events: u64,
    /// How many collections are known.
    pub(crate) known: u64,
    /// How many of them are silent compared with their baseline.
    pub(crate) silent: u64,
    all_events: u64,
}

/// A collection with a name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Labelled {
    pub(crate) name: Arc<str>,
    pub(crate) events: u64,
    /// Seconds since the last event.
    pub(crate) silence: f64,
    /// The longest usual silence; `None` while too little is known.
    pub(crate) bound: Option<f64>,
}

impl View {
    /// Builds the view of `snapshot` that follows `before`.
    pub(crate) fn of(snapshot: &Snapshot, most: usize, before: Option<Self>) -> Self {
        let mut rows: Vec<(bool, &Row)> = snapshot
            .rows
            .iter()
            .map(|row| (row.is_silent(snapshot.at), row))
            .collect();
        rows.sort_by(|(one_silent, one), (two_silent, two)| {
            let by_silence = two_silent.cmp(one_silent);
            by_silence.then(two.volume().total_cmp(&one.volume()))
        });
        let labelled = rows.iter().take(most).map(|(_, row)| Labelled {
            name: Arc::clone(&row.name),
            events: row.events,
            silence: row.silence(snapshot.at),
            bound: row.usual().bound(),
        });
        let labelled: Vec<_> = labelled.collect();
        let in_rows: u64 = snapshot.rows.iter().map(|row| row.events).sum();
        let all_events = in_rows + snapshot.other.events;
        let new_labelled: u64 = labelled
            .iter()
            .map(|row| row.events - before.as_ref().map_or(0, |it| it.events_of(row)))
            .sum();
        let (other_before, all_before) =
            before.map_or((0, 0), |it| (it.other_events, it.all_events));
        let new = all_events.saturating_sub(all_before);
        Self {
            labelled,
            other_events: other_before + new.saturating_sub(new_labelled),
            known: snapshot.rows.len() as u64,
            silent: rows.iter().filter(|(is_silent, _)| *is_silent).count() as u64,
            all_events,
        }
    }

    /// The count that a collection starts with here. A collection that is new here starts at its full count, which was
    /// counted under the others so far.
    fn events_of(&self, row: &Labelled) -> u64 {
        let known = self.labelled.iter().find(|it| it.name == row.name);
        known.map_or(row.events, |it| it.events.min(row.events))
    }
}

#[cfg(test)]
mod tests;
