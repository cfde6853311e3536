//! What every number and every time of the edge may be.

use std::time::Duration;

use fanjet_config::Range;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const MONTH: Duration = Duration::from_hours(30 * 24);
const YEAR: Duration = Duration::from_hours(365 * 24);

const MANY: i64 = 10_000_000;
const GIB: i64 = 1 << 30;
const TIB: i64 = 1 << 40;

/// More worker threads the HTTP server does not start.
pub(super) const MAX_WORKERS: usize = 512;

/// Of all sections.
pub const RANGES: &[Range] = &[
    // What the HTTP server takes.
    Range::count("http.workers", 1, MAX_WORKERS as i64).or_zero("one per core"),
    Range::count("http.max_subscribers", 1, MANY),
    Range::count("http.max_subscribers_per_address", 1, MANY).or_zero("as many as the node takes"),
    Range::count("http.max_connections_per_address", 1, MANY).or_zero("no limit"),
    Range::count("http.max_status_viewers", 1, MANY).or_zero("nobody"),
    Range::time("http.handshake_timeout", MILLI, HOUR),
    Range::count("http.max_url_bytes", 1, 64 << 10),
    Range::time("http.close_linger", MILLI, HOUR),
    Range::count("tail.ring_bytes", 4096, TIB),
    Range::count("tail.time_index_samples", 4, MANY),
    Range::count("tail.warm_entries", 1, MANY).or_zero("none"),
    Range::count("tail.max_collections", 1, 1_000_000),
    Range::time("tail.retry_floor", MILLI, HOUR),
    Range::time("tail.retry_ceiling", MILLI, HOUR),
    Range::time("tail.check_interval", MILLI, HOUR),
    Range::time("tail.fresh_within", MILLI, DAY),
    Range::count("replay.cache_bytes", 1, TIB).or_zero("nothing is kept"),
    Range::count("replay.page_bytes", 1, GIB),
    Range::count("replay.max_loads", 1, 10_000),
    Range::time("replay.cursor_timeout", MILLI, HOUR),
    Range::count("hub.promptness", 1, 100).or_zero("always the longest pause"),
    Range::count("hub.flush_bytes", 1, GIB),
    Range::count("subscriber.max_pending_bytes", 1, GIB),
    Range::count("subscriber.catch_up_bytes", 1, GIB),
    Range::time("subscriber.ping_interval", MILLI, DAY),
    Range::time("subscriber.pong_timeout", MILLI, DAY),
    Range::count("subscriber.max_unsent_bytes", 1, GIB).or_zero("the system's own default"),
    Range::time("subscriber.write_stall_timeout", MILLI, MONTH).or_zero("for ever"),
    Range::time("subscriber.hello_timeout", MILLI, MONTH),
    Range::count("subscriber.max_client_message_bytes", 1, GIB),
    Range::time("subscriber.message_timeout", MILLI, DAY).or_zero("for ever"),
    Range::time("subscriber.max_age", MILLI, YEAR).or_zero("as old as the client likes"),
    Range::count("limits.max_messages_per_second", 1, TIB).or_zero("no limit"),
    Range::count("limits.max_sent_bytes_per_second", 1, TIB).or_zero("no limit"),
    Range::count("limits.max_inbound_bytes", 1, TIB),
    Range::count("limits.max_inbound_bytes_per_address", 1, TIB).or_zero("no limit of their own"),
    Range::count("limits.max_filter_bytes", 1, TIB),
    Range::count("limits.max_filter_bytes_per_address", 1, TIB).or_zero("no limit of their own"),
    Range::count("limits.max_replay_bytes_per_second", 1, TIB).or_zero("no limit"),
    Range::count("zstd.level", 1, 22),
    Range::time("drain.grace", MILLI, HOUR).or_zero("none"),
    Range::time("drain.spread", MILLI, HOUR).or_zero("all at once"),
    Range::time("drain.deadline", SECOND, HOUR).or_zero("cut off at once"),
    Range::time("status.refresh", MILLI, HOUR),
];
