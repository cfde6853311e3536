//! Counts dropped log lines, for the whole process: it has one stderr.

use std::sync::atomic::{AtomicU64, Ordering};

use fanjet_output::{stderr, stdout};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

static SUPPRESSED: AtomicU64 = AtomicU64::new(0);

/// A line was dropped by the rate limit.
pub(super) fn count_suppressed() {
    SUPPRESSED.fetch_add(1, Ordering::Relaxed);
}

/// Registers the metric.
pub(crate) fn show(meter: &Meter) {
    meter
        .u64_observable_counter("fanjet_process_lost_lines_total")
        .with_description("Log and output lines dropped, by reason")
        .with_callback(|observer| {
            let unwritable = stderr().lost() + stdout().lost();
            let suppressed = SUPPRESSED.load(Ordering::Relaxed);
            observer.observe(unwritable, &[KeyValue::new("reason", "unwritable")]);
            observer.observe(suppressed, &[KeyValue::new("reason", "suppressed")]);
        })
        .build();
}
