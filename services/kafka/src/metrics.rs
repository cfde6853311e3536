//! Instruments: our own, and at-kafka's under their names. Names are spelled here only; labels are closed sets.
//! Updated per batch, never per event.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use fanjet_log::EventLog;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Meter};

use crate::filter::Skip;
use crate::look_up::LookUp;

/// Everything up to this seq is acknowledged by Kafka, or skipped.
pub const POSITION_SEQ: &str = "fanjet_kafka_position_seq";
/// The newest seq of the log.
pub const LOG_SEQ: &str = "fanjet_kafka_log_seq";
/// Events of the log that are not acknowledged by Kafka yet.
pub const LAG_EVENTS: &str = "fanjet_kafka_lag_events";
/// Seconds between now and the log time of the newest event that is acknowledged; 0 when all are.
pub const LAG_SECONDS: &str = "fanjet_kafka_lag_seconds";
/// Events under way without an acknowledgement.
pub const UNACKNOWLEDGED_EVENTS: &str = "fanjet_kafka_unacknowledged_events";
/// Messages that Kafka has acknowledged, dead letters included.
pub const PRODUCED_EVENTS: &str = "fanjet_kafka_produced_events";
/// Bytes of messages handed to the client library.
pub const PRODUCED_BYTES: &str = "fanjet_kafka_produced_bytes";
/// Skipped events, by `reason`.
pub const SKIPPED_EVENTS: &str = "fanjet_kafka_skipped_events";
/// Messages that Kafka will never take and that went to the dead-letter topic, by `reason`.
pub const DEAD_LETTERS: &str = "fanjet_kafka_dead_letters";
/// Events that the log dropped before they were produced.
pub const LOST_EVENTS: &str = "fanjet_kafka_lost_events";
/// Seqs of the log without an event, which all readers skip, by `kind`: `foreign`, written by another program; `deleted`, removed
/// by an operator. Each counts once.
pub const SKIPPED_SEQS: &str = "fanjet_kafka_log_skipped_seqs";
/// How often the log was found to be another one than what was produced before came from.
pub const REPLACED_LOGS: &str = "fanjet_kafka_replaced_logs";
/// How often producing had to begin anew, by `reason`.
pub const RESTARTS: &str = "fanjet_kafka_restarts";
/// How often writing the position failed.
pub const POSITION_FAILURES: &str = "fanjet_kafka_position_failures";
/// How often writing the bookmark beside the log failed.
pub const BOOKMARK_FAILURES: &str = "fanjet_kafka_bookmark_failures";

/// at-kafka: events that were handled, by `action_name` and `collection`.
pub const HANDLED_EVENTS: &str = "atkafka_handled_events";
/// at-kafka: messages that were produced, by `status`.
pub const ATKAFKA_PRODUCED_EVENTS: &str = "atkafka_produced_events";

/// at-kafka: look-ups in the directory by `kind`, `status`, and whether the answer was `cached`.
pub const PLC_REQUESTS: &str = "atkafka_plc_requests";
/// at-kafka: look-ups of profiles, likewise.
pub const API_REQUESTS: &str = "atkafka_api_requests";
/// at-kafka: accounts that are remembered, by `kind`.
pub const CACHE_SIZE: &str = "atkafka_cache_size";

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
    meter
        .u64_observable_counter(SKIPPED_SEQS)
        .with_callback(move |shown| {
            let passed = log.upgrade().map(|log| log.skipped_seqs());
            let passed = passed.unwrap_or_default();
            shown.observe(passed.foreign, &[KeyValue::new("kind", "foreign")]);
            shown.observe(passed.deleted, &[KeyValue::new("kind", "deleted")]);
        })
        .build();
}

impl Metrics {
    /// Creates the instruments.
    pub fn new(meter: &Meter) -> Self {
        Self {
            position_seq: meter.u64_gauge(POSITION_SEQ).build(),
            log_seq: meter.u64_gauge(LOG_SEQ).build(),
            lag_events: meter.u64_gauge(LAG_EVENTS).build(),
            lag_seconds: meter.f64_gauge(LAG_SECONDS).build(),
            unacknowledged_events: meter.u64_gauge(UNACKNOWLEDGED_EVENTS).build(),
            produced_events: meter.u64_counter(PRODUCED_EVENTS).build(),
            produced_bytes: meter.u64_counter(PRODUCED_BYTES).build(),
            skipped_events: meter.u64_counter(SKIPPED_EVENTS).build(),
            dead_letters: meter.u64_counter(DEAD_LETTERS).build(),
            lost_events: meter.u64_counter(LOST_EVENTS).build(),
            replaced_logs: meter.u64_counter(REPLACED_LOGS).build(),
            restarts: meter.u64_counter(RESTARTS).build(),
            position_failures: meter.u64_counter(POSITION_FAILURES).build(),
            bookmark_failures: meter.u64_counter(BOOKMARK_FAILURES).build(),
            handled_events: meter.u64_counter(HANDLED_EVENTS).build(),
            atkafka_produced_events: meter.u64_counter(ATKAFKA_PRODUCED_EVENTS).build(),
            plc_requests: meter.u64_counter(PLC_REQUESTS).build(),
            api_requests: meter.u64_counter(API_REQUESTS).build(),
            cache_size: meter.u64_gauge(CACHE_SIZE).build(),
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
