//! All collections, bounded.

use std::sync::Arc;

use fanjet_event::{Nsid, Topic};
use hashbrown::HashMap;

use super::{FlowClock, Other, Row, Snapshot, UpstreamSeen};

/// Maximum number of collections with a row.
pub const MAX_ROWS: usize = 2000;
/// Seconds of flow time after which a collection without events loses its row.
pub const KEEP_SECONDS: f64 = 72.0 * 3600.0;
/// Longest name in bytes that gets a row.
const MAX_NAME: usize = 128;
/// Share of the rows that are evicted together when the table is full.
const ROOM: usize = 16;
/// Maximum number of upstreams.
const MAX_UPSTREAMS: usize = 16;
/// The first rows are reserved for events that are not commits.
const FIXED: [&str; 3] = ["#identity", "#account", "#sync"];

/// Counters per collection. Cheap per event; [`Table::roll`] does the rest every few seconds.
#[derive(Debug, Clone)]
pub struct Table {
    clock: FlowClock,
    rolled: f64,
    known: HashMap<Nsid, usize>,
    rows: Vec<Row>,
    other: Other,
    /// The current upstream is last, with its events since the last roll.
    upstreams: Vec<(UpstreamSeen, u64)>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            clock: FlowClock::default(),
            rolled: 0.0,
            known: HashMap::new(),
            rows: FIXED.map(|name| Row::new(name.into(), 0.0)).into(),
            other: Other::default(),
            upstreams: Vec::new(),
        }
    }
}

impl Table {
    /// An upstream sent a frame that yields this many events, kept or not, at a time in Unix microseconds.
    pub fn flowed(&mut self, upstream: &str, events: usize, now_us: u64) {
        self.clock.flowed(now_us);
        let is_present = |(seen, _): &(UpstreamSeen, u64)| *seen.name == *upstream;
        if !self.upstreams.last().is_some_and(is_present) {
            let known = self.upstreams.iter().position(is_present);
            let (mut seen, _) = known.map(|at| self.upstreams.remove(at)).unwrap_or((
                UpstreamSeen {
                    name: upstream.into(),
                    last_us: now_us,
                    events: 0,
                    per_second: 0.0,
                },
                0,
            ));
            seen.per_second = 0.0;
            if self.upstreams.len() >= MAX_UPSTREAMS {
                self.upstreams.remove(0);
            }
            self.upstreams.push((seen, 0));
        }
        if let Some((seen, recent)) = self.upstreams.last_mut() {
            seen.last_us = now_us;
            *recent += events as u64;
        }
    }

    /// Events were appended to the log.
    pub fn appended<'a>(&mut self, topics: impl Iterator<Item = &'a Topic>, now_us: u64) {
        for topic in topics {
            let at = match topic {
                Topic::Identity => Some(0),
                Topic::Account => Some(1),
                Topic::Sync => Some(2),
                Topic::Commit(name) => match self.known.get(name) {
                    Some(at) => Some(*at),
                    None => self.take_in(name),
                },
                // Not an event: its operations are counted when the log of events has them.
                Topic::Frame(_) | Topic::Labels(_) => continue,
            };
            match at.and_then(|at| self.rows.get_mut(at)) {
                Some(row) => row.count(now_us),
                None => self.other.events += 1,
            }
        }
    }

    /// Adds the counted events to the rates, and evicts rows. Returns the number of events.
    pub fn roll(&mut self, now_us: u64) -> u64 {
        let at = self.clock.at(now_us);
        let passed = (at - self.rolled).max(0.0);
        self.rolled = at;
        let new = self.rows.iter_mut().map(|row| row.roll(at, passed)).sum();
        if let Some((seen, recent)) = self.upstreams.last_mut() {
            let recent = std::mem::take(recent);
            seen.events += recent;
            if passed > 0.0 {
                seen.per_second = recent as f64 / passed;
            }
        }
        self.forget(at);
        new
    }

    /// The table as of the last roll.
    pub fn snapshot(&self, now_us: u64) -> Snapshot {
        let upstreams = self.upstreams.iter().map(|(seen, _)| seen.clone());
        let seen = self.rows.iter().filter(|row| row.is_seen());
        Snapshot {
            at_us: now_us,
            at: self.rolled,
            rows: seen.map(Row::rounded).collect(),
            other: self.other,
            upstreams: upstreams.collect(),
        }
    }

    /// Adopts the snapshot of an earlier leader: its clock and its baselines continue.
    pub fn adopt(&mut self, before: Snapshot) {
        let began = before.at.max(0.0);
        self.clock.add(began);
        self.rolled += began;
        let mut rows: Vec<_> = self.rows.drain(..).map(|row| row.shifted(began)).collect();
        for old in before.rows.into_iter().take(MAX_ROWS + FIXED.len()) {
            if let Some(at) = rows.iter().position(|row| row.name == old.name) {
                let later = rows[at].clone();
                rows[at] = old.followed_by(later);
            } else if is_modest(&old.name) && Nsid::parse(Arc::clone(&old.name)).is_ok() {
                rows.push(old);
            }
        }
        self.rows = rows;
        self.other.events += before.other.events;
        self.other.forgotten_rows += before.other.forgotten_rows;
        for old in before.upstreams.into_iter().rev().take(MAX_UPSTREAMS) {
            match self
                .upstreams
                .iter_mut()
                .find(|(it, _)| it.name == old.name)
            {
                Some((seen, _)) => seen.events += old.events,
                None => self.upstreams.insert(0, (old, 0)),
            }
        }
        let surplus = self.upstreams.len().saturating_sub(MAX_UPSTREAMS);
        self.upstreams.drain(..surplus);
        self.forget(self.rolled);
    }

    fn take_in(&mut self, name: &Nsid) -> Option<usize> {
        if self.rows.len() >= FIXED.len() + MAX_ROWS || !is_modest(name.as_str()) {
            return None;
        }
        let at = self.rows.len();
        self.rows.push(Row::new(name.as_str().into(), self.rolled));
        self.known.insert(name.clone(), at);
        Some(at)
    }

    /// Removes rows that were not seen for long, and the rarest ones if the table is full.
    fn forget(&mut self, at: f64) {
        let is_full = self.rows.len() >= FIXED.len() + MAX_ROWS;
        let is_over = |row: &Row| row.silence(at) > KEEP_SECONDS;
        let is_known = self.known.len() + FIXED.len() == self.rows.len();
        if is_known && !is_full && !self.rows[FIXED.len()..].iter().any(is_over) {
            return;
        }
        let mut collections = self.rows.split_off(FIXED.len());
        // The heaviest first.
        collections.sort_by(|one, two| two.volume().total_cmp(&one.volume()));
        let (over, mut kept): (Vec<_>, Vec<_>) = collections.into_iter().partition(is_over);
        let room = if is_full { MAX_ROWS / ROOM } else { 0 };
        let surplus = kept.split_off(kept.len().min(MAX_ROWS - room));
        for row in over.iter().chain(&surplus) {
            self.other.events += row.events;
            self.other.forgotten_rows += 1;
        }
        self.rows.append(&mut kept);
        let names = self.rows.iter().enumerate().skip(FIXED.len());
        let names = names.filter_map(|(at, row)| Some((Nsid::parse(row.name.clone()).ok()?, at)));
        self.known = names.collect();
    }
}

/// Real names are far shorter.
fn is_modest(name: &str) -> bool {
    name.len() <= MAX_NAME
}
