//! The body of `/status`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fanjet_cluster::Member;
use fanjet_cluster::freshness::UpstreamSeen;
use fanjet_filter::Encoding;
use serde::Serialize;

use super::cluster::{Freshness, LeaderSnapshot};
use super::rates::{Flow, Rates, per_second};
use crate::metrics::ConnectionCounts;
use crate::readiness::Readiness;
use crate::tail::{Count, Counts, Row, Tail};

/// Maximum number of collections listed by name.
const ROWS: usize = 50;

/// The names of rows that are not collections.
const FIXED: [&str; Row::FIXED] = ["#identity", "#account", "#sync", "(other names)"];

/// The status at one moment. Times are Unix microseconds.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: &'static str,
    time_us: u64,
    uptime_seconds: u64,
    ready: bool,
    reasons: Vec<String>,
    throughput: Throughput,
    lag: Lag,
    log: LogWindow,
    collections: Collections,
    cluster: ClusterReport,
    subscribers: Subscribers,
}

/// Events that entered the log since the node started.
#[derive(Debug, Serialize)]
struct Throughput {
    events: u64,
    bytes: u64,
    now: Measured,
    last_hour: Measured,
    /// Events per second in each minute of the last hour, the newest last.
    minutes: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct Measured {
    seconds: f64,
    events: u64,
    events_per_second: f64,
    bytes_per_second: f64,
}

/// Lags of the newest event on arrival; absent before the first.
#[derive(Debug, Serialize)]
struct Lag {
    upstream_seconds: Option<f64>,
    log_seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
struct LogWindow {
    oldest: Option<EventPosition>,
    newest: Option<EventPosition>,
}

#[derive(Debug, Serialize)]
struct EventPosition {
    seq: u64,
    /// Its time as a cursor, once known.
    time_us: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Collections {
    /// The period of the rates.
    seconds: f64,
    known: usize,
    rows: Vec<RowReport>,
    /// Everything that is not in the rows.
    other: Other,
}

#[derive(Debug, Serialize)]
struct RowReport {
    name: Arc<str>,
    events: u64,
    events_per_second: f64,
    /// Over the whole cluster, if the leader's snapshot has the collection.
    last_time_us: Option<u64>,
    usual_per_second: Option<f64>,
    /// Silent against its usual rhythm.
    silent: bool,
}

/// The summary of the leader's snapshot; all collections are at `/status/collections`.
#[derive(Debug, Serialize)]
struct ClusterReport {
    /// Age of the snapshot; absent before the first.
    age_seconds: Option<f64>,
    collections: usize,
    silent_collections: usize,
    upstreams: Vec<UpstreamSeen>,
    /// The processes with a recent heartbeat.
    members: Vec<Member>,
}

#[derive(Debug, Serialize)]
struct Other {
    rows: usize,
    events: u64,
    events_per_second: f64,
}

#[derive(Debug, Serialize)]
struct Subscribers {
    total: u64,
    live: u64,
    behind: u64,
    replaying: u64,
    waiting: u64,
    by_form: BTreeMap<&'static str, u64>,
}

/// The inputs of a report.
pub(super) struct Facts<'a> {
    pub(super) now_us: u64,
    pub(super) uptime: Duration,
    pub(super) readiness: &'a Readiness,
    pub(super) counts: &'a Counts,
    pub(super) rates: &'a Rates,
    pub(super) tail: &'a Tail,
    pub(super) connection_counts: &'a ConnectionCounts,
    pub(super) leader_snapshot: &'a LeaderSnapshot,
    pub(super) members: &'a [Member],
}

impl Report {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        let Facts { counts, rates, .. } = facts;
        let newest = counts.newest.as_ref();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            time_us: facts.now_us,
            uptime_seconds: facts.uptime.as_secs(),
            ready: facts.readiness.is_ready(),
            reasons: facts
                .readiness
                .reasons
                .iter()
                .map(ToString::to_string)
                .collect(),
            throughput: Throughput {
                events: counts.events,
                bytes: counts.bytes,
                now: measured(rates.now()),
                last_hour: measured(rates.hour()),
                minutes: rates.minutes().into_iter().map(rounded).collect(),
            },
            lag: Lag {
                upstream_seconds: newest
                    .and_then(|newest| newest.upstream_lag)
                    .map(|lag| lag.as_secs_f64()),
                log_seconds: newest.map(|newest| newest.log_lag),
            },
            log: window(facts.tail),
            collections: collections(facts),
            cluster: cluster(facts),
            subscribers: subscribers(facts.connection_counts),
        }
    }
}

fn measured(flow: Flow) -> Measured {
    Measured {
        seconds: rounded(flow.time.as_secs_f64()),
        events: flow.events,
        events_per_second: rounded(flow.events_per_second()),
        bytes_per_second: rounded(flow.bytes_per_second()),
    }
}

fn window(tail: &Tail) -> LogWindow {
    let (oldest, head) = (tail.window.oldest(), tail.ring.head());
    let oldest = (oldest.seq > 0).then(|| EventPosition {
        seq: oldest.seq,
        time_us: oldest.time.map(|time| time.get()),
    });
    let newest = head.time.map(|time| EventPosition {
        seq: head.end.unwrap_or(1) - 1,
        time_us: Some(time.get()),
    });
    LogWindow { oldest, newest }
}

fn cluster(facts: &Facts<'_>) -> ClusterReport {
    let snapshot = facts.leader_snapshot;
    let age = facts.now_us.saturating_sub(snapshot.at_us());
    ClusterReport {
        age_seconds: (snapshot.at_us() > 0).then(|| rounded(age as f64 / 1e6)),
        collections: snapshot.known(),
        silent_collections: snapshot.silent().count(),
        upstreams: snapshot.upstreams().to_vec(),
        members: facts.members.to_vec(),
    }
}

/// Silent collections, then the rows with the most recent events, and the rest in one row.
fn collections(facts: &Facts<'_>) -> Collections {
    let (counts, rates, snapshot) = (facts.counts, facts.rates, facts.leader_snapshot);
    let names = facts.tail.collections.lock();
    let seen = counts.rows.iter().enumerate();
    let mut rows: Vec<_> = seen
        .filter(|(_, row)| row.events > 0)
        .map(|(at, row)| {
            let name = match at.checked_sub(Row::FIXED) {
                None => FIXED[at],
                Some(id) => names.name(id).unwrap_or_default(),
            };
            (at, row, name, snapshot.collection(name))
        })
        .collect();
    rows.sort_by_key(|(at, row, _, freshness)| {
        let is_silent = freshness.as_ref().is_some_and(Freshness::is_silent);
        std::cmp::Reverse((is_silent, rates.of_row(*at), row.events))
    });
    let known = rows.len();
    let rest = rows.split_off(rows.len().min(ROWS));
    let time = rates.measured();
    let speed = |at: usize| rounded(per_second(rates.of_row(at), time));
    let reports = rows.iter().map(|(at, row, name, freshness)| {
        let here = row.last.map(|time| time.get());
        RowReport {
            name: (*name).into(),
            events: row.events,
            events_per_second: speed(*at),
            last_time_us: here.max(freshness.as_ref().map(Freshness::last_time_us)),
            usual_per_second: freshness.as_ref().map(Freshness::usual_per_second),
            silent: freshness.as_ref().is_some_and(Freshness::is_silent),
        }
    });
    // Silent collections that this node has never seen.
    let unseen = snapshot.silent().filter(|silent| {
        let is_it = |row: &&(usize, &Count, &str, Option<Freshness>)| row.2 == &**silent.name();
        !rows.iter().chain(&rest).any(|row| is_it(&row))
    });
    let unseen = unseen.take(ROWS).map(|silent| RowReport {
        name: Arc::clone(silent.name()),
        events: 0,
        events_per_second: 0.0,
        last_time_us: Some(silent.last_time_us()),
        usual_per_second: Some(silent.usual_per_second()),
        silent: true,
    });
    let mut reports: Vec<_> = unseen.chain(reports).collect();
    reports.sort_by_key(|row| !row.silent);
    Collections {
        seconds: rounded(time.as_secs_f64()),
        known,
        rows: reports,
        other: Other {
            rows: rest.len(),
            events: rest.iter().map(|(_, row, ..)| row.events).sum(),
            events_per_second: rounded(per_second(
                rest.iter().map(|(at, ..)| rates.of_row(*at)).sum(),
                time,
            )),
        },
    }
}

/// Each subscriber is in one of four states. Those that are about to start or leave count as live.
fn subscribers(connection_counts: &ConnectionCounts) -> Subscribers {
    let forms = Encoding::ALL.map(|encoding| (encoding.label(), connection_counts.of(encoding)));
    let total = forms.iter().map(|(_, count)| count).sum();
    let (replaying, waiting) = (
        connection_counts.replaying.get(),
        connection_counts.waiting.get(),
    );
    let behind = connection_counts.behind.get().saturating_sub(replaying);
    Subscribers {
        total,
        live: u64::saturating_sub(total, behind + replaying + waiting),
        behind,
        replaying,
        waiting,
        by_form: forms.into_iter().collect(),
    }
}

/// Rounds to thousandths: more digits are noise.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
