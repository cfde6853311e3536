//! The instruments of the edge. Labels are closed sets. Updated per flush or per connection, never per event.

mod names;
mod connection_counts;
mod labels;
mod worker;

use std::sync::Arc;

use fanjet_filter::Encoding;
use fanjet_log::EventLog;
use fanjet_telemetry::observe_by_kind;
use fanjet_wire::close::CloseReason;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Meter, UpDownCounter};

use crate::refusal::Refusal;

pub(crate) use connection_counts::ConnectionCounts;
pub use labels::EncodedCounts;
pub(crate) use labels::{DamageSource, PageSource, StartKind};
pub use names::*;
pub(crate) use worker::{WorkerMetrics, WorkerNumbers};

/// All instruments of one node. Cheap to clone: every subscriber holds one.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Instruments>);

#[derive(Debug)]
struct Instruments {
    connection_counts: ConnectionCounts,
    subscribers: UpDownCounter<i64>,
    catching_up: UpDownCounter<i64>,
    replays: UpDownCounter<i64>,
    starts: Counter<u64>,
    cursor_lookups: Counter<u64>,
    replay_pages: Counter<u64>,
    replay_read_events: Counter<u64>,
    disk_bytes: Gauge<u64>,
    disk_filled: Gauge<f64>,
    disk_ends: Counter<u64>,
    replay_pauses: Counter<u64>,
    inbound_pauses: Counter<u64>,
    replay_cache_bytes: Gauge<u64>,
    delivered_events: Counter<u64>,
    delivered_bytes: Counter<u64>,
    flush_floor_seconds: Gauge<f64>,
    flush_share: Gauge<f64>,
    partial_writes: Counter<u64>,
    encoded_events: Counter<u64>,
    disconnects: Counter<u64>,
    refused_handshakes: Counter<u64>,
    refused_connections: Counter<u64>,
    tail_seq: Gauge<u64>,
    tail_lag_seconds: Gauge<f64>,
    ring_bytes: Gauge<u64>,
    damaged_reads: Counter<u64>,
    feeder_restarts: Counter<u64>,
    tail_lost_events: Counter<u64>,
    plans_with_gap: Counter<u64>,
    hub_crashes: Counter<u64>,
}

/// Reports the seqs that readers of a log skip, as long as the log is open.
pub(crate) fn observe_skipped_seqs(meter: &Meter, log: &Arc<dyn EventLog>) {
    let log = Arc::downgrade(log);
    observe_by_kind(
        meter,
        SKIPPED_SEQS,
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
        let level = |name, help| {
            let builder = meter.i64_up_down_counter(name);
            builder.with_description(help).build()
        };
        let subscribers = level(SUBSCRIBERS, "Open subscriber connections");
        // An autoscaler must see zero.
        subscribers.add(0, &[]);
        Self(Arc::new(Instruments {
            connection_counts: ConnectionCounts::default(),
            subscribers,
            catching_up: level(
                CATCHING_UP,
                "Subscribers that read the log or the ring at their own pace: slow consumers and replays",
            ),
            replays: level(
                REPLAYS,
                "Subscribers that read the log because their position is older than the ring",
            ),
            starts: counter(
                STARTS,
                "Accepted subscribers, by where they start: live, cursor, oldest or clamped to the oldest event",
            ),
            cursor_lookups: counter(
                CURSOR_LOOKUPS,
                "Requests to the log that resolve cursors, by query; equal concurrent queries count once",
            ),
            replay_pages: counter(
                REPLAY_PAGES,
                "Pages that replays read, by tier: memory, disk or log",
            ),
            replay_read_events: counter(
                REPLAY_READ_EVENTS,
                "Events read from the log or the local tier for replays; shared pages count once",
            ),
            disk_bytes: gauge(DISK_BYTES, "Bytes of the local tier on disk"),
            disk_filled: seconds(
                DISK_FILLED,
                "How much of what the local tier may hold it has, 0 to 1",
            ),
            disk_ends: counter(DISK_ENDS, "Times the local tier was thrown away, by reason"),
            replay_pauses: counter(
                REPLAY_PAUSES,
                "Times a replay paused because its client reached its replay rate limit",
            ),
            inbound_pauses: counter(
                INBOUND_PAUSES,
                "Times the node stopped reading from a client that reached its inbound rate limit",
            ),
            replay_cache_bytes: gauge(REPLAY_CACHE_BYTES, "Bytes in the replay page cache"),
            delivered_events: counter(DELIVERED_EVENTS, "Events delivered to subscribers"),
            delivered_bytes: counter(
                DELIVERED_BYTES,
                "Bytes of the frames delivered to subscribers",
            ),
            flush_floor_seconds: seconds(
                FLUSH_FLOOR_SECONDS,
                "Minimum interval between two flushes of a worker, in seconds",
            ),
            flush_share: seconds(
                FLUSH_SHARE,
                "Share of one core that a worker spends on routing and sending, 0 to 1",
            ),
            partial_writes: counter(
                PARTIAL_WRITES,
                "Writes that a subscriber's socket accepted only in part",
            ),
            encoded_events: counter(
                ENCODED_EVENTS,
                "Frames encoded on demand, by encoding; once per event, encoding and node",
            ),
            disconnects: counter(DISCONNECTS, "Closed subscriber connections, by reason"),
            refused_handshakes: counter(
                REFUSED_HANDSHAKES,
                "Refused requests for events and for /status/live, by reason",
            ),
            refused_connections: counter(
                REFUSED_CONNECTIONS,
                "Connections closed before or right after their request, by reason",
            ),
            tail_seq: gauge(TAIL_SEQ, "Seq of the newest event in the ring"),
            tail_lag_seconds: seconds(
                TAIL_LAG_SECONDS,
                "Seconds from the log time of the newest event to its arrival on this node",
            ),
            ring_bytes: gauge(
                RING_BYTES,
                "Bytes in the ring, including frames encoded on demand",
            ),
            damaged_reads: counter(
                DAMAGED_READS,
                "Reads of the log that failed on damaged data, by reader; shared pages count once",
            ),
            feeder_restarts: counter(
                FEEDER_RESTARTS,
                "Times the node had to start following the log again, by reason",
            ),
            tail_lost_events: counter(
                TAIL_LOST_EVENTS,
                "Events that the log deleted before this node read them",
            ),
            plans_with_gap: counter(
                PLANS_WITH_GAP,
                "Plans for clients of Jetstream v2 whose cursor is older than everything kept",
            ),
            hub_crashes: counter(HUB_CRASHES, "Hubs that panicked"),
        }))
    }

    /// The connection counts that the status page shows.
    pub(crate) fn connection_counts(&self) -> &ConnectionCounts {
        &self.0.connection_counts
    }

    pub(crate) fn replay_paused(&self) {
        self.0.replay_pauses.add(1, &[]);
    }

    pub(crate) fn inbound_paused(&self) {
        self.0.inbound_pauses.add(1, &[]);
    }

    pub(crate) fn joined(&self, encoding: Encoding) {
        self.0.connection_counts.connected(encoding, 1);
        self.0.subscribers.add(1, &[]);
    }

    pub(crate) fn left(&self, encoding: Encoding, reason: &CloseReason) {
        self.0.connection_counts.connected(encoding, -1);
        self.0.subscribers.add(-1, &[]);
        self.0.disconnects.add(1, &[label(reason.label())]);
    }

    pub(crate) fn catching_up(&self, change: i64) {
        self.0.connection_counts.behind.add(change);
        self.0.catching_up.add(change, &[]);
    }

    pub(crate) fn replays(&self, change: i64) {
        self.0.connection_counts.replaying.add(change);
        self.0.replays.add(change, &[]);
    }

    pub(crate) fn waiting(&self, change: i64) {
        self.0.connection_counts.waiting.add(change);
    }

    pub(crate) fn started(&self, start: StartKind) {
        self.0
            .starts
            .add(1, &[KeyValue::new("start", start.label())]);
    }

    pub(crate) fn cursor_looked_up(&self, query: &'static str) {
        self.0
            .cursor_lookups
            .add(1, &[KeyValue::new("query", query)]);
    }

    pub(crate) fn replay_loaded(&self, source: PageSource, events: u64, cache_bytes: usize) {
        self.0
            .replay_pages
            .add(1, &[KeyValue::new("tier", source.label())]);
        self.0.replay_read_events.add(events, &[]);
        self.0.replay_cache_bytes.record(cache_bytes as u64, &[]);
    }

    /// Counts pages that replays got from memory since the last call.
    pub(crate) fn cached_pages(&self, pages: u64) {
        self.0
            .replay_pages
            .add(pages, &[KeyValue::new("tier", "memory")]);
    }

    /// The state of the local tier.
    pub(crate) fn disk(&self, bytes: u64, filled: f64) {
        self.0.disk_bytes.record(bytes, &[]);
        self.0.disk_filled.record(filled, &[]);
    }

    pub(crate) fn disk_ended(&self, reason: &'static str) {
        self.0.disk_ends.add(1, &[label(reason)]);
    }

    pub(crate) fn delivered(&self, events: u64, bytes: u64) {
        self.0.delivered_events.add(events, &[]);
        self.0.delivered_bytes.add(bytes, &[]);
    }

    pub(crate) fn partly_written(&self, writes: u64) {
        self.0.partial_writes.add(writes, &[]);
    }

    pub(crate) fn encoded(&self, made: EncodedCounts) {
        for (encoding, count) in [
            ("zstd", made.zstd),
            ("zstd_stored", made.stored),
            ("v0", made.v0),
            ("v2", made.v2),
            ("v2_zstd", made.v2_zstd),
        ] {
            if count > 0 {
                let encoding = KeyValue::new("encoding", encoding);
                self.0.encoded_events.add(count, &[encoding]);
            }
        }
    }

    pub(crate) fn refused(&self, refusal: &Refusal) {
        self.0.refused_handshakes.add(1, &[label(refusal.label())]);
    }

    pub(crate) fn connection_refused(&self, reason: &'static str) {
        self.0.refused_connections.add(1, &[label(reason)]);
    }

    pub(crate) fn tail_moved(&self, seq: u64, lag_seconds: f64, ring_bytes: usize) {
        self.0.tail_seq.record(seq, &[]);
        self.0.tail_lag_seconds.record(lag_seconds, &[]);
        self.0.ring_bytes.record(ring_bytes as u64, &[]);
    }

    pub(crate) fn damaged_read(&self, by: DamageSource) {
        self.0
            .damaged_reads
            .add(1, &[KeyValue::new("by", by.label())]);
    }

    pub(crate) fn feeder_restarted(&self, reason: &'static str) {
        self.0.feeder_restarts.add(1, &[label(reason)]);
    }

    pub(crate) fn plan_with_gap(&self) {
        self.0.plans_with_gap.add(1, &[]);
    }

    pub(crate) fn tail_lost(&self, events: u64) {
        self.0.tail_lost_events.add(events, &[]);
    }
}

fn label(reason: &'static str) -> KeyValue {
    KeyValue::new("reason", reason)
}

#[cfg(test)]
mod tests;
