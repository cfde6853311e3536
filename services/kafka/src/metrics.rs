//! Instruments: our own, and at-kafka's under their names. Names are spelled here only; labels are closed sets.
//! Updated per batch, never per event.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use fanjet_log::EventLog;
use fanjet_telemetry::observe_by_kind;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Meter};

use crate::filter::Skip;
use crate::look_up::LookUp;

const POSITION_SEQ: &str = "fanjet_kafka_position_seq";
const LOG_SEQ: &str = "fanjet_kafka_log_seq";
const LAG_EVENTS: &str = "fanjet_kafka_lag_events";
const LAG_SECONDS: &str = "fanjet_kafka_lag_seconds";
const UNACKNOWLEDGED_EVENTS: &str = "fanjet_kafka_unacknowledged_events";
const PRODUCED_EVENTS: &str = "fanjet_kafka_produced_events_total";
const PRODUCED_BYTES: &str = "fanjet_kafka_produced_bytes_total";
const SKIPPED_EVENTS: &str = "fanjet_kafka_skipped_events_total";
const DEAD_LETTERS: &str = "fanjet_kafka_dead_letters_total";
const LOST_EVENTS: &str = "fanjet_kafka_lost_events_total";
const REPLACED_LOGS: &str = "fanjet_kafka_replaced_logs_total";
const RESTARTS: &str = "fanjet_kafka_restarts_total";
const POSITION_FAILURES: &str = "fanjet_kafka_position_failures_total";
const BOOKMARK_FAILURES: &str = "fanjet_kafka_bookmark_failures_total";
const LOG_SKIPPED_SEQS: &str = "fanjet_kafka_log_skipped_seqs_total";

// Of at-kafka, under its names.
const HANDLED_EVENTS: &str = "atkafka_handled_events";
const ATKAFKA_PRODUCED_EVENTS: &str = "atkafka_produced_events";
const PLC_REQUESTS: &str = "atkafka_plc_requests";
const API_REQUESTS: &str = "atkafka_api_requests";
const CACHE_SIZE: &str = "atkafka_cache_size";

/// Collections with a label of their own; strangers can invent any number of others.
const MAX_COLLECTIONS: usize = 200;
/// The label of all others.
const OTHER: &str = "other";

/// All instruments. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    position_seq: Gauge<u64>,
    log_seq: Gauge<u64>,
    lag_events: Gauge<u64>,
    lag_seconds: Gauge<f64>,
    unacknowledged_events: Gauge<u64>,
    produced_events: Counter<u64>,
    produced_bytes: Counter<u64>,
    skipped_events: Counter<u64>,
    dead_letters: Counter<u64>,
    lost_events: Counter<u64>,
    replaced_logs: Counter<u64>,
    restarts: Counter<u64>,
    position_failures: Counter<u64>,
    bookmark_failures: Counter<u64>,
    handled_events: Counter<u64>,
    atkafka_produced_events: Counter<u64>,
    plc_requests: Counter<u64>,
    api_requests: Counter<u64>,
    cache_size: Gauge<u64>,
}

/// Reports the seqs that readers of a log skip, as long as the log is open.
pub(crate) fn observe_skipped_seqs(meter: &Meter, log: &Arc<dyn EventLog>) {
    let log = Arc::downgrade(log);
    observe_by_kind(
        meter,
        LOG_SKIPPED_SEQS,
        "Seqs of the log that hold no event, which readers skip, by kind",
        move || {
            let skipped = log.upgrade().map(|log| log.skipped_seqs());
            skipped.unwrap_or_default().by_kind()
        },
    );
}

impl Metrics {
    /// Creates the instruments.
    pub fn new(meter: &Meter) -> Self {
        let counter = |name, help| meter.u64_counter(name).with_description(help).build();
        let gauge = |name, help| meter.u64_gauge(name).with_description(help).build();
        let seconds = |name, help| meter.f64_gauge(name).with_description(help).build();
        Self {
            position_seq: gauge(
                POSITION_SEQ,
                "Newest seq up to which every event is acknowledged by Kafka or skipped",
            ),
            log_seq: gauge(LOG_SEQ, "Newest seq of the log"),
            lag_events: gauge(
                LAG_EVENTS,
                "Events of the log that Kafka has not acknowledged yet",
            ),
            lag_seconds: seconds(
                LAG_SECONDS,
                "Seconds since the log time of the newest acknowledged event, or 0 if Kafka has acknowledged every event",
            ),
            unacknowledged_events: gauge(
                UNACKNOWLEDGED_EVENTS,
                "Events in flight to Kafka, not acknowledged yet",
            ),
            produced_events: counter(
                PRODUCED_EVENTS,
                "Messages acknowledged by Kafka, dead letters included",
            ),
            produced_bytes: counter(
                PRODUCED_BYTES,
                "Bytes of messages handed to the Kafka client library",
            ),
            skipped_events: counter(
                SKIPPED_EVENTS,
                "Events not produced: excluded by the settings, of another shard, or of kind sync; by reason",
            ),
            dead_letters: counter(
                DEAD_LETTERS,
                "Messages that Kafka can never accept, sent to the dead-letter topic, by reason",
            ),
            lost_events: counter(
                LOST_EVENTS,
                "Events that expired from the log before they were produced",
            ),
            replaced_logs: counter(
                REPLACED_LOGS,
                "Times the log was found to be another log than before",
            ),
            restarts: counter(RESTARTS, "Times the producer restarted, by reason"),
            position_failures: counter(POSITION_FAILURES, "Failed writes of the position to Kafka"),
            bookmark_failures: counter(
                BOOKMARK_FAILURES,
                "Failed writes of the bookmark beside the log",
            ),
            handled_events: counter(HANDLED_EVENTS, "Events produced, by action and collection"),
            atkafka_produced_events: counter(
                ATKAFKA_PRODUCED_EVENTS,
                "Messages acknowledged by Kafka (ok) or replaced by a dead letter (error)",
            ),
            plc_requests: counter(
                PLC_REQUESTS,
                "Lookups of DID documents, audit logs and handles, by kind, status and whether the result was cached",
            ),
            api_requests: counter(
                API_REQUESTS,
                "Lookups of profiles, by kind, status and whether the result was cached",
            ),
            cache_size: gauge(CACHE_SIZE, "Cached lookup results, by kind"),
        }
    }

    pub(crate) fn moved(&self, position: u64, unacknowledged: usize, produced: u64) {
        self.position_seq.record(position, &[]);
        self.unacknowledged_events
            .record(unacknowledged as u64, &[]);
        self.produced_events.add(produced, &[]);
        self.atkafka_produced_events
            .add(produced, &[KeyValue::new("status", "ok")]);
    }

    pub(crate) fn lag(&self, log_seq: u64, events: u64, seconds: f64) {
        self.log_seq.record(log_seq, &[]);
        self.lag_events.record(events, &[]);
        self.lag_seconds.record(seconds, &[]);
    }

    pub(crate) fn dead_letter(&self, reason: &'static str) {
        self.dead_letters.add(1, &[KeyValue::new("reason", reason)]);
        self.atkafka_produced_events
            .add(1, &[KeyValue::new("status", "error")]);
    }

    pub(crate) fn lost(&self, events: u64) {
        self.lost_events.add(events, &[]);
    }

    pub(crate) fn replaced(&self) {
        self.replaced_logs.add(1, &[]);
    }

    pub(crate) fn restarted(&self, reason: &'static str) {
        self.restarts.add(1, &[KeyValue::new("reason", reason)]);
    }

    pub(crate) fn looked_up(&self, kind: LookUp, is_known: bool, is_cached: bool) {
        let requests = match kind {
            LookUp::Profile => &self.api_requests,
            LookUp::Identity | LookUp::Web | LookUp::Audit | LookUp::Handle => &self.plc_requests,
        };
        let labels = [
            KeyValue::new("kind", kind.label()),
            KeyValue::new("status", if is_known { "ok" } else { "error" }),
            KeyValue::new("cached", if is_cached { "true" } else { "false" }),
        ];
        requests.add(1, &labels);
    }

    pub(crate) fn remembered(&self, kind: LookUp, accounts: usize) {
        let kind = KeyValue::new("kind", kind.label());
        self.cache_size.record(accounts as u64, &[kind]);
    }

    pub(crate) fn bookmark_failed(&self) {
        self.bookmark_failures.add(1, &[]);
    }

    pub(crate) fn position_failed(&self) {
        self.position_failures.add(1, &[]);
    }
}

/// What one batch adds to the counters.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    bytes: u64,
    skipped: [u64; Skip::ALL.len()],
    handled: HashMap<(String, String), u64>,
    collections: HashSet<String>,
}

impl Tally {
    pub(crate) fn handled(&mut self, action: &str, collection: Option<&str>, bytes: usize) {
        self.bytes += bytes as u64;
        let collection = collection.unwrap_or("");
        let is_known = self.collections.contains(collection);
        if !is_known && self.collections.len() < MAX_COLLECTIONS {
            self.collections.insert(collection.to_owned());
        }
        let label = match is_known || self.collections.contains(collection) {
            true => collection,
            false => OTHER,
        };
        // Actions may be called after the collection, whose names strangers invent.
        let action = match label {
            OTHER => action.split('_').next().unwrap_or(action),
            _ => action,
        };
        let key = (action.to_owned(), label.to_owned());
        *self.handled.entry(key).or_default() += 1;
    }

    pub(crate) fn skipped(&mut self, reason: Skip) {
        self.skipped[reason as usize] += 1;
    }

    /// Adds what was counted to the instruments.
    pub(crate) fn flush(&mut self, metrics: &Metrics) {
        metrics
            .produced_bytes
            .add(std::mem::take(&mut self.bytes), &[]);
        for (reason, count) in Skip::ALL.iter().zip(&mut self.skipped) {
            if *count > 0 {
                let reason = KeyValue::new("reason", reason.label());
                metrics.skipped_events.add(std::mem::take(count), &[reason]);
            }
        }
        for ((action, collection), count) in self.handled.drain() {
            let labels = [
                KeyValue::new("action_name", action),
                KeyValue::new("collection", collection),
            ];
            metrics.handled_events.add(count, &labels);
        }
    }
}

#[cfg(test)]
mod tests;
