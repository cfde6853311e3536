//! How the log's collections are spread over NATS subjects.

use std::sync::Arc;

use fanjet_log_nats::Spread;
use opentelemetry::metrics::Meter;

const OWN: &str = "fanjet_ingest_log_own_subjects";
const SHARED: &str = "fanjet_ingest_log_shared_events_total";

/// Shows what the writer of a log in NATS does. Once per process.
pub fn show_subjects(meter: &Meter, spread: &Arc<Spread>) {
    let (own, shared) = (Arc::clone(spread), Arc::clone(spread));
    meter
        .u64_observable_gauge(OWN)
        .with_description("Collections that have a NATS subject of their own, of 8192 at most")
        .with_callback(move |shown| shown.observe(own.own(), &[]))
        .build();
    meter
        .u64_observable_counter(SHARED)
        .with_description("Events written to NATS subjects that collections share")
        .with_callback(move |shown| shown.observe(shared.shared(), &[]))
        .build();
}
