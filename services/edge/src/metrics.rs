//! Instruments. Names are spelled here only; labels are closed sets. Updated per flush or per connection, never
//! per event.

mod census;
mod vocabulary;
mod worker;

use std::sync::Arc;

use fanjet_filter::Encoding;
use fanjet_log::EventLog;
use fanjet_wire::close::CloseReason;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Gauge, Meter, UpDownCounter};

use crate::refusal::Refusal;

pub(crate) use census::Census;
pub use vocabulary::Made;
pub(crate) use vocabulary::{MetBy, StartKind};
pub(crate) use worker::{WorkerMetrics, WorkerNumbers};

/// Connections that are open.
pub const SUBSCRIBERS: &str = "fanjet_edge_subscribers";
/// Subscribers that read by themselves: slow sockets, and replays.
pub const LAGGARDS: &str = "fanjet_edge_laggards";
/// Subscribers that read the log because their position is older than the ring.
pub const REPLAYS: &str = "fanjet_edge_replays";
/// Accepted subscribers by where they `start`: live, at a cursor, with the oldest event because they asked for
/// everything, or clamped to it because their cursor is older.
pub const STARTS: &str = "fanjet_edge_starts";
/// What the log was asked to find the positions of cursors by `question`: its `bounds`, or the first event of a `time`.
/// Cursors that ask the same at the same time count once.
pub const CURSOR_QUESTIONS: &str = "fanjet_edge_cursor_questions";
/// Events read from the log for replays. Readers that share a page count once.
pub const REPLAY_READ_EVENTS: &str = "fanjet_edge_replay_read_events";
/// How often a replay had to pause because its client had read as much as it may.
pub const REPLAY_PAUSES: &str = "fanjet_edge_replay_pauses";
/// How often a client was not read for a while because its address, or its key, had sent as much as it may.
pub const INBOUND_PAUSES: &str = "fanjet_edge_inbound_pauses";
/// Bytes of pages that are kept for replays.
pub const REPLAY_CACHE_BYTES: &str = "fanjet_edge_replay_cache_bytes";
/// Events handed to subscribers.
pub const DELIVERED_EVENTS: &str = "fanjet_edge_delivered_events";
/// Bytes of frames handed to subscribers.
pub const DELIVERED_BYTES: &str = "fanjet_edge_delivered_bytes";
/// The present pause between two flushes of a `worker`, as of its last flush.
pub const FLUSH_FLOOR_SECONDS: &str = "fanjet_edge_flush_floor_seconds";
/// The share of a core that a `worker` spends on routing and sending, as of its last flush.
pub const FLUSH_SHARE: &str = "fanjet_edge_flush_share";
/// Writes of which a subscriber's socket took only a part: what was left waited until it had room.
pub const PARTIAL_WRITES: &str = "fanjet_edge_partial_writes";
/// Frames made on demand by `encoding`: each event at most once per encoding and node. `zstd_stored` is a zstd frame
/// that is not compressed because the library failed.
pub const ENCODED_EVENTS: &str = "fanjet_edge_encoded_events";
/// Ended connections by `reason`.
pub const DISCONNECTS: &str = "fanjet_edge_disconnects";
/// Refused requests for `/subscribe`, `/events` and `/status/live` by `reason`.
pub const REFUSED_HANDSHAKES: &str = "fanjet_edge_refused_handshakes";
/// Connections that were ended early by `reason`: their address had too many, no request came, or too much came behind it.
pub const REFUSED_CONNECTIONS: &str = "fanjet_edge_refused_connections";
/// The newest seq in the ring.
pub const TAIL_SEQ: &str = "fanjet_edge_tail_seq";
/// Seconds between an event's log time and its arrival here, newest event.
pub const TAIL_LAG_SECONDS: &str = "fanjet_edge_tail_lag_seconds";
/// Bytes that the ring holds, frames made on demand included.
pub const RING_BYTES: &str = "fanjet_edge_ring_bytes";
/// How often a place of the log was met that is damaged, `by`: `replay`, a page for a reader; `cursor`, the search for a
/// cursor's position; `warming`, the start of the node; `live`, an event that everybody waited for. Readers that share a page count once.
pub const DAMAGED_READS: &str = "fanjet_edge_damaged_reads";
/// Places of the log that hold no event, by `kind`: `foreign`, somebody else wrote there; `deleted`, an operator took out what was
/// there. Readers pass over them; each counts once.
pub const PASSED_OVER: &str = "fanjet_edge_log_passed_over";
/// How often following the log had to begin anew, by `reason`.
pub const FEEDER_RESTARTS: &str = "fanjet_edge_feeder_restarts";
/// Events that the log dropped before this node could read them.
pub const TAIL_LOST_EVENTS: &str = "fanjet_edge_tail_lost_events";
/// Hubs that ended by a defect.
pub const HUB_CRASHES: &str = "fanjet_edge_hub_crashes";

/// All instruments of one node. Cheap to clone, and to keep: every subscriber has some.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Instruments>);

#[derive(Debug)]
struct Instruments {
    census: Census,
    subscribers: UpDownCounter<i64>,
    laggards: UpDownCounter<i64>,
    replays: UpDownCounter<i64>,
    starts: Counter<u64>,
    cursor_questions: Counter<u64>,
    replay_read_events: Counter<u64>,
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
    hub_crashes: Counter<u64>,
}

/// Shows what the readers of a log pass over, as long as it is open.
pub(crate) fn show_passed_over(meter: &Meter, log: &Arc<dyn EventLog>) {
    let log = Arc::downgrade(log);
    meter
        .u64_observable_counter(PASSED_OVER)
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
        let subscribers = meter.i64_up_down_counter(SUBSCRIBERS).build();
        // A scaler needs to see that there are none.
        subscribers.add(0, &[]);
        Self(Arc::new(Instruments {
            census: Census::default(),
            subscribers,
            laggards: meter.i64_up_down_counter(LAGGARDS).build(),
            replays: meter.i64_up_down_counter(REPLAYS).build(),
            starts: meter.u64_counter(STARTS).build(),
            cursor_questions: meter.u64_counter(CURSOR_QUESTIONS).build(),
            replay_read_events: meter.u64_counter(REPLAY_READ_EVENTS).build(),
            replay_pauses: meter.u64_counter(REPLAY_PAUSES).build(),
            inbound_pauses: meter.u64_counter(INBOUND_PAUSES).build(),
            replay_cache_bytes: meter.u64_gauge(REPLAY_CACHE_BYTES).build(),
            delivered_events: meter.u64_counter(DELIVERED_EVENTS).build(),
            delivered_bytes: meter.u64_counter(DELIVERED_BYTES).build(),
            flush_floor_seconds: meter.f64_gauge(FLUSH_FLOOR_SECONDS).build(),
            flush_share: meter.f64_gauge(FLUSH_SHARE).build(),
            partial_writes: meter.u64_counter(PARTIAL_WRITES).build(),
            encoded_events: meter.u64_counter(ENCODED_EVENTS).build(),
            disconnects: meter.u64_counter(DISCONNECTS).build(),
            refused_handshakes: meter.u64_counter(REFUSED_HANDSHAKES).build(),
            refused_connections: meter.u64_counter(REFUSED_CONNECTIONS).build(),
            tail_seq: meter.u64_gauge(TAIL_SEQ).build(),
            tail_lag_seconds: meter.f64_gauge(TAIL_LAG_SECONDS).build(),
            ring_bytes: meter.u64_gauge(RING_BYTES).build(),
            damaged_reads: meter.u64_counter(DAMAGED_READS).build(),
            feeder_restarts: meter.u64_counter(FEEDER_RESTARTS).build(),
            tail_lost_events: meter.u64_counter(TAIL_LOST_EVENTS).build(),
            hub_crashes: meter.u64_counter(HUB_CRASHES).build(),
        }))
    }

    /// Who is connected, as a page shows it.
    pub(crate) fn census(&self) -> &Census {
        &self.0.census
    }

    pub(crate) fn replay_paused(&self) {
        self.0.replay_pauses.add(1, &[]);
    }

    pub(crate) fn inbound_paused(&self) {
        self.0.inbound_pauses.add(1, &[]);
    }

    pub(crate) fn joined(&self, encoding: Encoding) {
        self.0.census.connected(encoding, 1);
        self.0.subscribers.add(1, &[]);
    }

    pub(crate) fn left(&self, encoding: Encoding, reason: &CloseReason) {
        self.0.census.connected(encoding, -1);
        self.0.subscribers.add(-1, &[]);
        self.0.disconnects.add(1, &[label(reason.label())]);
    }

    pub(crate) fn laggards(&self, change: i64) {
        self.0.census.behind.add(change);
        self.0.laggards.add(change, &[]);
    }

    pub(crate) fn replays(&self, change: i64) {
        self.0.census.replaying.add(change);
        self.0.replays.add(change, &[]);
    }

    pub(crate) fn waiting(&self, change: i64) {
        self.0.census.waiting.add(change);
    }

    pub(crate) fn started(&self, start: StartKind) {
        self.0
            .starts
            .add(1, &[KeyValue::new("start", start.label())]);
    }

    pub(crate) fn asked_for_cursor(&self, question: &'static str) {
        self.0
            .cursor_questions
            .add(1, &[KeyValue::new("question", question)]);
    }

    pub(crate) fn replay_loaded(&self, events: u64, cache_bytes: usize) {
        self.0.replay_read_events.add(events, &[]);
        self.0.replay_cache_bytes.record(cache_bytes as u64, &[]);
    }

    pub(crate) fn delivered(&self, events: u64, bytes: u64) {
        self.0.delivered_events.add(events, &[]);
        self.0.delivered_bytes.add(bytes, &[]);
    }

    pub(crate) fn partly_written(&self, writes: u64) {
        self.0.partial_writes.add(writes, &[]);
    }

    pub(crate) fn encoded(&self, made: Made) {
        for (encoding, count) in [
            ("zstd", made.zstd),
            ("zstd_stored", made.stored),
            ("v0", made.v0),
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

    pub(crate) fn met_damage(&self, by: MetBy) {
        self.0
            .damaged_reads
            .add(1, &[KeyValue::new("by", by.label())]);
    }

    pub(crate) fn feeder_restarted(&self, reason: &'static str) {
        self.0.feeder_restarts.add(1, &[label(reason)]);
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
