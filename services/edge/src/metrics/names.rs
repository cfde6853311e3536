//! The names of the metrics, which appear only here, and what each one counts.

/// Open subscriber connections.
pub const SUBSCRIBERS: &str = "fanjet_edge_subscribers";
/// Subscribers that read the log or the ring at their own pace: slow consumers and replays.
pub const CATCHING_UP: &str = "fanjet_edge_catching_up";
/// Subscribers that read the log because their position is older than the ring.
pub const REPLAYS: &str = "fanjet_edge_replays";
/// Accepted subscribers, by `start`: live, at a cursor, at the oldest event, or clamped to the oldest event because the cursor
/// is older.
pub const STARTS: &str = "fanjet_edge_starts_total";
/// Requests to the log that resolve cursors, by `query`: its `bounds`, or the first event at a `time`. Equal queries at the same
/// time count once.
pub const CURSOR_LOOKUPS: &str = "fanjet_edge_cursor_lookups_total";
/// Pages that replays read, by `tier`: `memory`, cached; `disk`, from the local tier; `log`, from the log.
pub const REPLAY_PAGES: &str = "fanjet_edge_replay_pages_total";
/// Bytes of the local tier on disk.
pub const DISK_BYTES: &str = "fanjet_edge_disk_bytes";
/// How much of what the local tier may hold it has, 0 to 1: by bytes, and 1 when the log has nothing older.
pub const DISK_FILLED: &str = "fanjet_edge_disk_filled";
/// Times the local tier was thrown away, by `reason`; `off`: it stays off until the next start.
pub const DISK_ENDS: &str = "fanjet_edge_disk_ends_total";
/// Events read from the log or the local tier for replays. A page that several readers share counts once.
pub const REPLAY_READ_EVENTS: &str = "fanjet_edge_replay_read_events_total";
/// Times a replay paused because its client reached its replay rate limit.
pub const REPLAY_PAUSES: &str = "fanjet_edge_replay_pauses_total";
/// Times the node stopped reading from a client that reached the inbound rate limit of its address or API key.
pub const INBOUND_PAUSES: &str = "fanjet_edge_inbound_pauses_total";
/// Bytes in the replay page cache.
pub const REPLAY_CACHE_BYTES: &str = "fanjet_edge_replay_cache_bytes";
/// Events delivered to subscribers.
pub const DELIVERED_EVENTS: &str = "fanjet_edge_delivered_events_total";
/// Bytes of the frames delivered to subscribers.
pub const DELIVERED_BYTES: &str = "fanjet_edge_delivered_bytes_total";
/// Minimum interval between two flushes of a `worker`, as of its last flush.
pub const FLUSH_FLOOR_SECONDS: &str = "fanjet_edge_flush_floor_seconds";
/// Share of one core that a `worker` spends on routing and sending, as of its last flush.
pub const FLUSH_SHARE: &str = "fanjet_edge_flush_share";
/// Writes that a subscriber's socket accepted only in part.
pub const PARTIAL_WRITES: &str = "fanjet_edge_partial_writes_total";
/// Frames encoded on demand, by `encoding`: each event at most once per encoding and node. `zstd_stored` is an uncompressed zstd
/// frame, sent because compression failed.
pub const ENCODED_EVENTS: &str = "fanjet_edge_encoded_events_total";
/// Closed subscriber connections, by `reason`.
pub const DISCONNECTS: &str = "fanjet_edge_disconnects_total";
/// Refused requests for events and for `/status/live`, by `reason`.
pub const REFUSED_HANDSHAKES: &str = "fanjet_edge_refused_handshakes_total";
/// Connections closed early, by `reason`: too many from one address, no request, or too many bytes after the request.
pub const REFUSED_CONNECTIONS: &str = "fanjet_edge_refused_connections_total";
/// Seq of the newest event in the ring.
pub const TAIL_SEQ: &str = "fanjet_edge_tail_seq";
/// Seconds from the log time of the newest event to its arrival on this node.
pub const TAIL_LAG_SECONDS: &str = "fanjet_edge_tail_lag_seconds";
/// Bytes in the ring, including frames encoded on demand.
pub const RING_BYTES: &str = "fanjet_edge_ring_bytes";
/// Reads of the log that failed on damaged data, `by` reader: `replay`, a page; `cursor`, a cursor lookup; `warming`, filling
/// the ring at startup; `live`, following the log. A page that several readers share counts once.
pub const DAMAGED_READS: &str = "fanjet_edge_damaged_reads_total";
/// Seqs of the log without an event, which all readers skip, by `kind`: `foreign`, written by another program; `deleted`, removed
/// by an operator. Each counts once.
pub const SKIPPED_SEQS: &str = "fanjet_edge_log_skipped_seqs_total";
/// Times the node had to start following the log again, by `reason`.
pub const FEEDER_RESTARTS: &str = "fanjet_edge_feeder_restarts_total";
/// Events that the log deleted before this node read them.
pub const TAIL_LOST_EVENTS: &str = "fanjet_edge_tail_lost_events_total";
/// Plans for clients of Jetstream v2 whose cursor is older than everything kept: they miss what is between.
pub const PLANS_WITH_GAP: &str = "fanjet_edge_plans_with_gap_total";
/// Hubs that panicked.
pub const HUB_CRASHES: &str = "fanjet_edge_hub_crashes_total";
