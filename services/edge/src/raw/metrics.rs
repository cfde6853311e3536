//! The instruments of the raw stream. Updated per write, never per frame and subscriber.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Meter, UpDownCounter};

/// Open raw subscriber connections.
const SUBSCRIBERS: &str = "fanjet_edge_raw_subscribers";
/// Frames delivered to raw subscribers.
const DELIVERED: &str = "fanjet_edge_raw_delivered_frames_total";
/// Bytes of these.
const DELIVERED_BYTES: &str = "fanjet_edge_raw_delivered_bytes_total";
/// Pauses of replays of raw frames.
const PAUSES: &str = "fanjet_edge_raw_replay_pauses_total";
/// Closed raw subscriber connections, by reason.
const DISCONNECTS: &str = "fanjet_edge_raw_disconnects_total";
/// The number of the newest frame in the ring.
const WIRE_SEQ: &str = "fanjet_edge_raw_wire_seq";
/// Bytes in the ring of raw frames.
const RING_BYTES: &str = "fanjet_edge_raw_ring_bytes";
/// Requests for the upstream's HTTP interface, by outcome.
const PROXIED: &str = "fanjet_edge_raw_proxied_requests_total";
/// Times the node had to follow the raw log again.
const RESTARTS: &str = "fanjet_edge_raw_feeder_restarts_total";

/// All of them. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct RawMetrics {
    subscribers: UpDownCounter<i64>,
    delivered: Counter<u64>,
    delivered_bytes: Counter<u64>,
    pauses: Counter<u64>,
    disconnects: Counter<u64>,
    wire_seq: Gauge<u64>,
    ring_bytes: Gauge<u64>,
    restarts: Counter<u64>,
    proxied: Counter<u64>,
}

impl RawMetrics {
    pub(crate) fn new(meter: &Meter) -> Self {
        Self::named(meter, str::to_owned)
    }

    /// The instruments of the streams of labels: `fanjet_edge_labels_subscribers` for `fanjet_edge_raw_subscribers`, and so on.
    pub(crate) fn of_labels(meter: &Meter) -> Self {
        Self::named(meter, |name| {
            name.replacen("fanjet_edge_raw_", "fanjet_edge_labels_", 1)
        })
    }

    fn named(meter: &Meter, named: impl Fn(&str) -> String) -> Self {
        let counter = |name, help: &'static str| {
            let counter = meter.u64_counter(named(name));
            counter.with_description(help).build()
        };
        let gauge = |name, help: &'static str| {
            let gauge = meter.u64_gauge(named(name));
            gauge.with_description(help).build()
        };
        Self {
            subscribers: meter
                .i64_up_down_counter(named(SUBSCRIBERS))
                .with_description("Open raw subscriber connections")
                .build(),
            delivered: counter(DELIVERED, "Frames delivered to raw subscribers"),
            delivered_bytes: counter(
                DELIVERED_BYTES,
                "Bytes of the frames delivered to raw subscribers",
            ),
            pauses: counter(
                PAUSES,
                "Times a replay of raw frames waited for its rate limit",
            ),
            disconnects: counter(DISCONNECTS, "Closed raw subscriber connections, by reason"),
            wire_seq: gauge(
                WIRE_SEQ,
                "Number of the newest frame in the ring of raw frames",
            ),
            ring_bytes: gauge(RING_BYTES, "Bytes in the ring of raw frames"),
            restarts: counter(
                RESTARTS,
                "Times the node had to start following the raw log again",
            ),
            proxied: counter(
                PROXIED,
                "Requests for the upstream's HTTP interface, by outcome",
            ),
        }
    }

    pub(crate) fn joined(&self) {
        self.subscribers.add(1, &[]);
    }

    pub(crate) fn left(&self, reason: &'static str) {
        self.subscribers.add(-1, &[]);
        let reason = KeyValue::new("reason", reason);
        self.disconnects.add(1, &[reason]);
    }

    pub(crate) fn delivered(&self, frames: u64, bytes: u64) {
        self.delivered.add(frames, &[]);
        self.delivered_bytes.add(bytes, &[]);
    }

    /// A replay waits for its rate limit.
    pub(crate) fn paused(&self) {
        self.pauses.add(1, &[]);
    }

    pub(crate) fn moved(&self, wire_seq: Option<u64>, ring_bytes: usize) {
        if let Some(wire_seq) = wire_seq {
            self.wire_seq.record(wire_seq, &[]);
        }
        self.ring_bytes.record(ring_bytes as u64, &[]);
    }

    /// A request to the upstream was answered, failed, or was refused because no place was free.
    pub(crate) fn proxied(&self, outcome: &'static str) {
        self.proxied.add(1, &[KeyValue::new("outcome", outcome)]);
    }

    pub(crate) fn feeder_restarted(&self) {
        self.restarts.add(1, &[]);
    }
}
