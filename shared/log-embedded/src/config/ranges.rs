//! What every number and every time may be.

use std::time::Duration;

use fanjet_config::Range;

const MILLI: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_hours(1);
const CENTURY: Duration = Duration::from_hours(100 * 365 * 24);

const GIB: i64 = 1 << 30;
const TIB: i64 = 1 << 40;

/// Of section `[embedded]`.
pub const RANGES: &[Range] = &[
    Range::time("embedded.max_age", MILLI, CENTURY).or_zero("for ever"),
    Range::count("embedded.max_bytes", 1, 1 << 60).or_zero("unlimited"),
    // Offsets in a segment have 32 bits.
    Range::count("embedded.segment_bytes", 1, 2 * GIB),
    // Nothing is shown before its sync, and a stop waits for it.
    Range::time("embedded.sync", MILLI, Duration::from_secs(5)).or_word("always"),
    Range::count("embedded.window_events", 1, 1_000_000),
    Range::count("embedded.window_bytes", 1, GIB),
    Range::count("embedded.tail_bytes", 1, TIB).or_zero("none are kept"),
    Range::count("embedded.cache_bytes", 1, TIB).or_zero("none are kept"),
    Range::count("embedded.concurrent_reads", 1, 1024),
    Range::time("embedded.heartbeat", MILLI, HOUR),
];
