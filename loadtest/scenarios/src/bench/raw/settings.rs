//! What all parts of the benchmark of raw frames set and read.

use anyhow::Result;

use crate::bench::options::Options;
use crate::service::Service;

/// Frames that an edge has sent.
pub(super) const DELIVERED: &str = "fanjet_edge_raw_delivered_frames_total";
/// No limit that a benchmark should measure.
pub(super) const UNLIMITED: [(&str, &str); 5] = [
    ("edge.raw.max_subscribers", "100000"),
    ("edge.raw.max_subscribers_per_address", "0"),
    ("edge.http.max_subscribers_per_address", "0"),
    ("edge.http.max_connections_per_address", "0"),
    ("edge.limits.max_replay_bytes_per_second", "0"),
];
/// NATS sets it aside.
pub(super) const MAX_BYTES: (&str, &str) = ("raw.max_bytes", "4000000000");

/// Those of every process over NATS.
pub(super) fn over_nats(url: &str) -> [(&str, &str); 3] {
    [("nats.url", url), ("raw.enabled", "true"), MAX_BYTES]
}

/// Ingest of this upstream into NATS.
pub(super) fn ingest(options: &Options, url: &str, upstream: &str) -> Result<Service> {
    let settings = [&over_nats(url)[..], &[("ingest.upstream.url", upstream)]].concat();
    Service::start(options.profile(), "ingest", &settings)
}
