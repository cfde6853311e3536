//! The text of `/status`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fanjet_filter::Encoding;
use serde::Serialize;

use super::Census;
use super::rates::{Flow, Rates, per_second};
use super::traffic::{Count, Counts, Row};
use crate::Readiness;
use crate::tail::Tail;

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
    last_time_us: Option<u64>,
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
                log_seconds: newest.map(|newest| newest.log_lag.as_secs_f64()),
            },
            log: window(facts.tail),
            collections: collections(facts),
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

/// The rows with the most events of late, and the rest in one.
fn collections(facts: &Facts<'_>) -> Collections {
    let (counts, rates) = (facts.counts, facts.rates);
    let mut rows: Vec<(usize, &Count)> = counts.rows.iter().enumerate().collect();
    rows.retain(|(_, row)| row.events > 0);
    rows.sort_by_key(|&(at, row)| std::cmp::Reverse((rates.of_row(at), row.events)));
    let known = rows.len();
    let rest = rows.split_off(rows.len().min(ROWS));
    let time = rates.measured();
    let speed = |at: usize| rounded(per_second(rates.of_row(at), time));
    let names = facts.tail.collections.lock();
    let rows = rows.into_iter().map(|(at, row)| RowReport {
        name: match at.checked_sub(Row::FIXED) {
            None => FIXED[at].into(),
            Some(id) => names.name(id).unwrap_or_default().into(),
        },
        events: row.events,
        events_per_second: speed(at),
        last_time_us: row.last.map(|time| time.get()),
    });
    Collections {
        seconds: rounded(time.as_secs_f64()),
        known,
        rows: rows.collect(),
        other: Other {
            rows: rest.len(),
            events: rest.iter().map(|(_, row)| row.events).sum(),
            events_per_second: rounded(per_second(
                rest.iter().map(|&(at, _)| rates.of_row(at)).sum(),
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
