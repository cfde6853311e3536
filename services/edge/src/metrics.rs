//! Instruments. Names are spelled here only; labels are closed sets. Updated per flush or per connection, never
//! per event.

use fanjet_wire::close::CloseReason;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Meter, UpDownCounter};

use crate::http::Refusal;

/// Connections that are open.
pub const SUBSCRIBERS: &str = "fanjet_edge_subscribers";
/// Subscribers that read the ring by themselves because their sockets are slow.
pub const LAGGARDS: &str = "fanjet_edge_laggards";
/// Events handed to subscribers.
pub const DELIVERED_EVENTS: &str = "fanjet_edge_delivered_events";
/// Bytes of frames handed to subscribers.
pub const DELIVERED_BYTES: &str = "fanjet_edge_delivered_bytes";
/// Ended connections by `reason`.
pub const DISCONNECTS: &str = "fanjet_edge_disconnects";
/// Refused requests for `/subscribe` by `reason`.
pub const REFUSED_HANDSHAKES: &str = "fanjet_edge_refused_handshakes";
/// Filters that clients have stored.
pub const STORED_FILTERS: &str = "fanjet_edge_stored_filters";
/// Refused requests to store a filter by `reason`.
pub const REFUSED_FILTERS: &str = "fanjet_edge_refused_filters";
/// The newest seq in the ring.
pub const TAIL_SEQ: &str = "fanjet_edge_tail_seq";
/// Seconds between an event's log time and its arrival here, newest event.
pub const TAIL_LAG_SECONDS: &str = "fanjet_edge_tail_lag_seconds";
/// Bytes that the ring holds.
pub const RING_BYTES: &str = "fanjet_edge_ring_bytes";
/// How often following the log had to begin anew, by `reason`.
pub const FEEDER_RESTARTS: &str = "fanjet_edge_feeder_restarts";
/// Events that the log dropped before this node could read them.
pub const TAIL_LOST_EVENTS: &str = "fanjet_edge_tail_lost_events";
/// Hubs that ended by a defect.
pub const HUB_CRASHES: &str = "fanjet_edge_hub_crashes";

/// All instruments of one node. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    subscribers: UpDownCounter<i64>,
    laggards: UpDownCounter<i64>,
    delivered_events: Counter<u64>,
    delivered_bytes: Counter<u64>,
    disconnects: Counter<u64>,
    refused_handshakes: Counter<u64>,
    stored_filters: Counter<u64>,
    refused_filters: Counter<u64>,
    tail_seq: Gauge<u64>,
    tail_lag_seconds: Gauge<f64>,
    ring_bytes: Gauge<u64>,
    feeder_restarts: Counter<u64>,
    tail_lost_events: Counter<u64>,
    hub_crashes: Counter<u64>,
}

impl Metrics {
    /// Creates the instruments.
    pub fn new(meter: &Meter) -> Self {
        Self {
            subscribers: meter.i64_up_down_counter(SUBSCRIBERS).build(),
            laggards: meter.i64_up_down_counter(LAGGARDS).build(),
            delivered_events: meter.u64_counter(DELIVERED_EVENTS).build(),
            delivered_bytes: meter.u64_counter(DELIVERED_BYTES).build(),
            disconnects: meter.u64_counter(DISCONNECTS).build(),
            refused_handshakes: meter.u64_counter(REFUSED_HANDSHAKES).build(),
            stored_filters: meter.u64_counter(STORED_FILTERS).build(),
            refused_filters: meter.u64_counter(REFUSED_FILTERS).build(),
            tail_seq: meter.u64_gauge(TAIL_SEQ).build(),
            tail_lag_seconds: meter.f64_gauge(TAIL_LAG_SECONDS).build(),
            ring_bytes: meter.u64_gauge(RING_BYTES).build(),
            feeder_restarts: meter.u64_counter(FEEDER_RESTARTS).build(),
            tail_lost_events: meter.u64_counter(TAIL_LOST_EVENTS).build(),
            hub_crashes: meter.u64_counter(HUB_CRASHES).build(),
        }
    }

    pub(crate) fn joined(&self) {
        self.subscribers.add(1, &[]);
    }

    pub(crate) fn left(&self, reason: &CloseReason) {
        self.subscribers.add(-1, &[]);
        self.disconnects.add(1, &[label(reason.label())]);
    }

    pub(crate) fn laggards(&self, change: i64) {
        self.laggards.add(change, &[]);
    }

    pub(crate) fn delivered(&self, events: u64, bytes: u64) {
        self.delivered_events.add(events, &[]);
        self.delivered_bytes.add(bytes, &[]);
    }

    pub(crate) fn refused(&self, refusal: &Refusal) {
        self.refused_handshakes.add(1, &[label(refusal.label())]);
    }

    pub(crate) fn filter_stored(&self) {
        self.stored_filters.add(1, &[]);
    }

    pub(crate) fn filter_refused(&self, refusal: &Refusal) {
        self.refused_filters.add(1, &[label(refusal.label())]);
    }

    pub(crate) fn tail_moved(&self, seq: u64, lag_seconds: f64, ring_bytes: usize) {
        self.tail_seq.record(seq, &[]);
        self.tail_lag_seconds.record(lag_seconds, &[]);
        self.ring_bytes.record(ring_bytes as u64, &[]);
    }

    pub(crate) fn feeder_restarted(&self, reason: &'static str) {
        self.feeder_restarts.add(1, &[label(reason)]);
    }

    pub(crate) fn tail_lost(&self, events: u64) {
        self.tail_lost_events.add(events, &[]);
    }

    pub(crate) fn hub_crashed(&self) {
        self.hub_crashes.add(1, &[]);
    }
}

fn label(reason: &'static str) -> KeyValue {
    KeyValue::new("reason", reason)
}
