//! What every number and every time of ingest may be.

use std::time::Duration;

use fanjet_config::{Range, check_section};
use serde::Serialize;

use crate::IngestError;

const MILLI: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const YEAR: Duration = Duration::from_hours(365 * 24);

const MANY: i64 = 10_000_000;
const GIB: i64 = 1 << 30;

/// Of all sections.
pub const RANGES: &[Range] = &[
    Range::time("upstream.fail_after", MILLI, DAY).or_zero("at the first failure"),
    Range::time("upstream.stale_after", MILLI, DAY).or_zero("never"),
    Range::time("upstream.probe_interval", MILLI, DAY),
    Range::time("upstream.return_after", MILLI, DAY).or_zero("at the first probe that succeeds"),
    Range::time("upstream.overlap", MILLI, DAY),
    // Fewer events say nothing about when they were.
    Range::count("upstream.remembered_events", 100, MANY),
    Range::count("upstream.max_frame_bytes", 1024, GIB),
    Range::time("upstream.connect_timeout", MILLI, HOUR),
    Range::time("upstream.ping_interval", MILLI, HOUR),
    Range::time("upstream.reconnect_min", MILLI, HOUR),
    Range::time("upstream.reconnect_max", MILLI, HOUR),
    Range::count("pipeline.decode_workers", 1, 1024).or_zero("one per core"),
    Range::count("pipeline.batch_frames", 1, 100_000),
    Range::count("pipeline.batch_bytes", 1, GIB),
    Range::count("pipeline.queue_batches", 1, 100_000),
    Range::time("pipeline.drain_timeout", MILLI, HOUR),
    Range::share("pipeline.traced", 0.0, 1.0),
    Range::count("pipeline.verify.workers", 1, 1024).or_zero("one per core"),
    Range::time("pipeline.verify.lookup_timeout", MILLI, HOUR),
    Range::count("pipeline.verify.lookups_per_second", 1, 1_000_000),
    Range::count("pipeline.verify.cached_keys", 1, 10 * MANY),
    Range::time("pipeline.verify.key_ttl", MILLI, YEAR),
    Range::time("pipeline.verify.missing_ttl", MILLI, YEAR),
    Range::time("lease.ttl", Duration::from_secs(2), DAY),
    Range::time("lease.renew_interval", MILLI, HOUR),
    Range::time("freshness.interval", MILLI, HOUR),
    Range::count("freshness.labelled_collections", 1, 500).or_zero("none"),
];

/// Checks the numbers and times of one section, which ends in a dot.
pub(super) fn check(section: &'static str, settings: &impl Serialize) -> Result<(), IngestError> {
    let wrong = check_section(section, settings, RANGES.iter().copied());
    wrong.map_err(|wrong| IngestError::Config {
        key: wrong.key,
        reason: wrong.reason,
    })
}
