//! One snapshot, indexed and serialized.

use std::sync::Arc;

use bytes::Bytes;
use fanjet_cluster::freshness::{Row, Snapshot, UpstreamSeen};
use hashbrown::HashMap;
use serde::Serialize;

/// The leader's snapshot of one moment; empty before the first one.
#[derive(Debug, Default)]
pub(crate) struct LeaderSnapshot {
    snapshot: Snapshot,
    by_name: HashMap<Arc<str>, usize>,
    /// `/status/collections`.
    json: Bytes,
}

/// One collection over the whole cluster. Rates are events per second, times Unix microseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Freshness {
    name: Arc<str>,
    events: u64,
    last_time_us: u64,
    per_second: f64,
    usual_per_second: f64,
    /// How long it has had no events while others had.
    silent_seconds: f64,
    /// The longest usual time without events; absent while too little is known.
    silent_bound_seconds: Option<f64>,
    silent: bool,
}

#[derive(Serialize)]
struct All<'a> {
    time_us: u64,
    collections: &'a [Freshness],
    other_events: u64,
    forgotten_collections: u64,
    upstreams: &'a [UpstreamSeen],
}

impl LeaderSnapshot {
    pub(super) fn of(mut snapshot: Snapshot) -> Self {
        snapshot
            .rows
            .sort_by(|one, two| two.volume().total_cmp(&one.volume()));
        let collections: Vec<_> = snapshot
            .rows
            .iter()
            .map(|row| Freshness::of(row, snapshot.at))
            .collect();
        let all = All {
            time_us: snapshot.at_us,
            collections: &collections,
            other_events: snapshot.other.events,
            forgotten_collections: snapshot.other.forgotten_rows,
            upstreams: &snapshot.upstreams,
        };
        let names = snapshot.rows.iter().map(|row| Arc::clone(&row.name));
        Self {
            // Everything in it can be written as JSON.
            json: serde_json::to_vec(&all).unwrap_or_default().into(),
            by_name: names.enumerate().map(|(at, name)| (name, at)).collect(),
            snapshot,
        }
    }

    /// The time of the snapshot in Unix microseconds; 0 before the first one.
    pub(crate) fn at_us(&self) -> u64 {
        self.snapshot.at_us
    }

    /// All collections, the largest first.
    pub(crate) fn json(&self) -> Bytes {
        self.json.clone()
    }

    pub(crate) fn known(&self) -> usize {
        self.snapshot.rows.len()
    }

    pub(crate) fn upstreams(&self) -> &[UpstreamSeen] {
        &self.snapshot.upstreams
    }

    pub(crate) fn collection(&self, name: &str) -> Option<Freshness> {
        let row = self.snapshot.rows.get(*self.by_name.get(name)?)?;
        Some(Freshness::of(row, self.snapshot.at))
    }

    /// Collections that are silent against their usual rhythm, the largest first.
    pub(crate) fn silent(&self) -> impl Iterator<Item = Freshness> {
        let at = self.snapshot.at;
        self.snapshot
            .silent()
            .map(move |row| Freshness::of(row, at))
    }
}

impl Freshness {
    fn of(row: &Row, at: f64) -> Self {
        let rounded = |value: f64| (value * 1e4).round() / 1e4;
        Self {
            name: Arc::clone(&row.name),
            events: row.events,
            last_time_us: row.last_us,
            per_second: rounded(row.rate_now(at)),
            usual_per_second: rounded(row.usual_rate()),
            silent_seconds: rounded(row.silence(at)),
            silent_bound_seconds: row.usual().bound().map(rounded),
            silent: row.is_silent(at),
        }
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn last_time_us(&self) -> u64 {
        self.last_time_us
    }

    pub(crate) fn usual_per_second(&self) -> f64 {
        self.usual_per_second
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }
}
