//! What every number and every time may be.

use std::time::Duration;

use fanjet_config::Range;

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_hours(1);
const CENTURY: Duration = Duration::from_hours(100 * 365 * 24);

const TIB: i64 = 1 << 40;

/// Of section `[nats]`.
pub const RANGES: &[Range] = &[
    Range::time("nats.connect_timeout", MILLI, HOUR),
    Range::time("nats.request_timeout", MILLI, HOUR),
    Range::time("nats.ack_timeout", MILLI, HOUR),
    Range::count("nats.publish_window", 1, 1_000_000),
    Range::count("nats.read_ahead_bytes", 1, TIB).or_zero("nothing is read ahead"),
    Range::count("nats.stream.replicas", 1, 5),
    Range::time("nats.stream.max_age", SECOND, CENTURY).or_zero("for ever"),
    Range::count("nats.stream.max_bytes", 1, 1 << 60).or(-1, "unlimited"),
];
