//! What every number and every time may be.

use std::time::Duration;

use fanjet_config::Range;

const MILLI: Duration = Duration::from_millis(1);
const TEN_SECONDS: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_hours(1);
const YEAR: Duration = Duration::from_hours(365 * 24);

const MANY: i64 = 10_000_000;

/// Of all sections.
pub const RANGES: &[Range] = &[
    // The brokers give a transaction up after 30 s.
    Range::time("kafka.transaction_interval", MILLI, TEN_SECONDS),
    // Kafka's client wants less than a message may wait in a transaction.
    Range::time("kafka.linger", MILLI, TEN_SECONDS).or_zero("not at all"),
    // What Kafka's client takes.
    Range::count("kafka.batch_bytes", 1_000, 1_000_000_000),
    Range::count("kafka.window_events", 1, MANY),
    Range::count("kafka.window_bytes", 1, 1 << 40),
    // What Kafka's client takes.
    Range::time(
        "kafka.request_timeout",
        Duration::from_millis(10),
        Duration::from_mins(5),
    ),
    Range::time("kafka.retry_floor", MILLI, HOUR),
    Range::time("kafka.retry_ceiling", MILLI, HOUR),
    Range::time("kafka.check_interval", MILLI, HOUR),
    Range::count("kafka.topics.partitions", 1, 100_000),
    Range::count("kafka.topics.replication_factor", 1, 100),
    Range::time("kafka.position.interval", MILLI, HOUR),
    Range::count("kafka.shard.index", 0, 9_999),
    Range::count("kafka.shard.count", 1, 10_000),
    // To the year 2100.
    Range::count("kafka.format.snowflake_epoch_ms", 0, 4_102_444_800_000),
    Range::time("kafka.enrich.deadline", MILLI, HOUR).or_zero("no event waits"),
    Range::time("kafka.enrich.lookup_timeout", MILLI, HOUR),
    Range::count("kafka.enrich.lookups_per_second", 1, 1_000_000),
    Range::count("kafka.enrich.burst", 1, 1_000_000),
    Range::count("kafka.enrich.cached", 1, 10 * MANY),
    Range::time("kafka.enrich.identity_ttl", MILLI, YEAR),
    Range::time("kafka.enrich.failure_ttl", MILLI, YEAR),
    Range::time("kafka.enrich.audit_ttl", MILLI, YEAR),
    Range::time("kafka.enrich.profile_ttl", MILLI, YEAR),
    Range::time("kafka.enrich.did_web.deadline", MILLI, HOUR).or_zero("no event waits"),
    Range::count("kafka.enrich.did_web.lookups_per_second", 1, 1_000_000),
];
