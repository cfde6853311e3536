//! What of a snapshot is shown as metrics: the largest collections by name, the rest in one.

use std::sync::Arc;

use fanjet_cluster::freshness::{Row, Snapshot};
use parking_lot::Mutex;

/// The view of the present term; none while another process leads.
pub(crate) type SharedView = Arc<Mutex<Option<View>>>;

/// Bounded: so many names, however many collections there are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct View {
    /// Silent ones first, then by volume.
    pub(crate) labelled: Vec<Labelled>,
    /// Events that were counted while their collection had no name here. Never falls.
    pub(crate) other_events: u64,
    /// How many collections are known.
    pub(crate) known: u64,
    /// How many of them are silent against their own rhythm.
    pub(crate) silent: u64,
    all_events: u64,
}

/// One collection with a name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Labelled {
    pub(crate) name: Arc<str>,
    pub(crate) events: u64,
    /// Seconds of flow.
    pub(crate) silence: f64,
    /// How long it may be; `None` while too little is known.
    pub(crate) bound: Option<f64>,
}

impl View {
    /// What is shown of `snapshot`, after `before`.
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

    /// What a collection had here; all it has, when it is new here: that was counted with the others.
    fn events_of(&self, row: &Labelled) -> u64 {
        let known = self.labelled.iter().find(|it| it.name == row.name);
        known.map_or(row.events, |it| it.events.min(row.events))
    }
}

#[cfg(test)]
mod tests;
