//! The text of `/status`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fanjet_cluster::Member;
use fanjet_cluster::freshness::UpstreamSeen;
use fanjet_filter::Encoding;
use serde::Serialize;

use super::cluster::{Freshness, Told};
use super::rates::{Flow, Rates, per_second};
use crate::metrics::Census;
use crate::readiness::Readiness;
use crate::tail::{Count, Counts, Row, Tail};

/// Most collections that are listed by name.
const ROWS: usize = 50;

/// What stands in the names of rows that are no collections.
const FIXED: [&str; Row::FIXED] = ["#identity", "#account", "#sync", "(other names)"];

/// Everything at one moment. Times are Unix microseconds.
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

/// What came into the log since the node started.
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

/// Of the newest event, when it arrived here; absent until one has.
#[derive(Debug, Serialize)]
struct Lag {
    upstream_seconds: Option<f64>,
    log_seconds: Option<f64>,
}

#[derive(Debug, Serialize)]
struct LogWindow {
    oldest: Option<Place>,
    newest: Option<Place>,
}

#[derive(Debug, Serialize)]
struct Place {
    seq: u64,
    /// A cursor, once it is known.
    time_us: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Collections {
    /// Over how much time the rates are.
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
    /// Over the whole cluster, if the leader told it.
    last_time_us: Option<u64>,
    usual_per_second: Option<f64>,
    /// Silent against its own rhythm.
    silent: bool,
}

/// What the leader tells about collections; all of them are at `/status/collections`.
#[derive(Debug, Serialize)]
struct ClusterReport {
    /// How old that is; absent until something was told.
    age_seconds: Option<f64>,
    collections: usize,
    silent_collections: usize,
    upstreams: Vec<UpstreamSeen>,
    /// The processes that said of late that they are there.
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

/// What a report is made of.
pub(super) struct Facts<'a> {
    pub(super) now_us: u64,
    pub(super) uptime: Duration,
    pub(super) readiness: &'a Readiness,
    pub(super) counts: &'a Counts,
    pub(super) rates: &'a Rates,
    pub(super) tail: &'a Tail,
    pub(super) census: &'a Census,
    pub(super) told: &'a Told,
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
            subscribers: subscribers(facts.census),
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
    let oldest = (oldest.seq > 0).then(|| Place {
        seq: oldest.seq,
        time_us: oldest.time.map(|time| time.get()),
    });
    let newest = head.time.map(|time| Place {
        seq: head.end.unwrap_or(1) - 1,
        time_us: Some(time.get()),
    });
    LogWindow { oldest, newest }
}

fn cluster(facts: &Facts<'_>) -> ClusterReport {
    let told = facts.told;
    let age = facts.now_us.saturating_sub(told.at_us());
    ClusterReport {
        age_seconds: (told.at_us() > 0).then(|| rounded(age as f64 / 1e6)),
        collections: told.known(),
        silent_collections: told.silent().count(),
        upstreams: told.upstreams().to_vec(),
        members: facts.members.to_vec(),
    }
}

/// Those that are silent, then the rows with the most events of late, and the rest in one.
fn collections(facts: &Facts<'_>) -> Collections {
    let (counts, rates, told) = (facts.counts, facts.rates, facts.told);
    let names = facts.tail.collections.lock();
    let seen = counts.rows.iter().enumerate();
    let mut rows: Vec<_> = seen
        .filter(|(_, row)| row.events > 0)
        .map(|(at, row)| {
            let name = match at.checked_sub(Row::FIXED) {
                None => FIXED[at],
                Some(id) => names.name(id).unwrap_or_default(),
            };
            let told = told.collection(name);
            (at, row, name, told)
        })
        .collect();
    rows.sort_by_key(|(at, row, _, told)| {
        let is_silent = told.as_ref().is_some_and(Freshness::is_silent);
        std::cmp::Reverse((is_silent, rates.of_row(*at), row.events))
    });
    let known = rows.len();
    let rest = rows.split_off(rows.len().min(ROWS));
    let time = rates.measured();
    let speed = |at: usize| rounded(per_second(rates.of_row(at), time));
    let reports = rows.iter().map(|(at, row, name, told)| {
        let here = row.last.map(|time| time.get());
        RowReport {
            name: (*name).into(),
            events: row.events,
            events_per_second: speed(*at),
            last_time_us: here.max(told.as_ref().map(Freshness::last_time_us)),
            usual_per_second: told.as_ref().map(Freshness::usual_per_second),
            silent: told.as_ref().is_some_and(Freshness::is_silent),
        }
    });
    // Those that this node has never seen.
    let unseen = told.silent().filter(|silent| {
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

/// Each is in one of the four states. Who is about to begin or to leave counts as live.
fn subscribers(census: &Census) -> Subscribers {
    let forms = Encoding::ALL.map(|encoding| (encoding.label(), census.of(encoding)));
    let total = forms.iter().map(|(_, count)| count).sum();
    let (replaying, waiting) = (census.replaying.get(), census.waiting.get());
    let behind = census.behind.get().saturating_sub(replaying);
    Subscribers {
        total,
        live: u64::saturating_sub(total, behind + replaying + waiting),
        behind,
        replaying,
        waiting,
        by_form: forms.into_iter().collect(),
    }
}

/// To thousandths: more is noise.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
