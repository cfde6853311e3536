//! RFC 3339 from Unix microseconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use humantime::{format_rfc3339_micros, format_rfc3339_seconds};

/// Whole seconds: `2026-07-04T14:38:08Z`.
pub(super) fn rfc3339(us: u64) -> String {
    format_rfc3339_seconds(at(us)).to_string()
}

/// With microseconds: `2026-07-04T14:38:08.085434Z`.
pub(super) fn rfc3339_micros(us: u64) -> String {
    format_rfc3339_micros(at(us)).to_string()
}

fn at(us: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(us)
}
