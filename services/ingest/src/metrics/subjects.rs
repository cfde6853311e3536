//! How the log's collections are mapped to NATS subjects.

use std::sync::Arc;

use fanjet_log_nats::Spread;
use opentelemetry::metrics::Meter;

const OWN: &str = "fanjet_ingest_log_own_subjects";
const SHARED: &str = "fanjet_ingest_log_shared_events_total";

/// Exports the subject metrics of a log in NATS. Call once per process.
pub fn show_subjects(meter: &Meter, spread: &Arc<Spread>) {
    let (own, shared) = (Arc::clone(spread), Arc::clone(spread));
    meter
        .u64_observable_gauge(OWN)
        .with_description("Collections with a NATS subject of their own (at most 8192)")
        .with_callback(move |shown| shown.observe(own.own(), &[]))
        .build();
    meter
        .u64_observable_counter(SHARED)
        .with_description("Events written to NATS subjects shared by several collections")
        .with_callback(move |shown| shown.observe(shared.shared(), &[]))
        .build();
}
