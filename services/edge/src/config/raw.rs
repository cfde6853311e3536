//! Serving the raw log, where `raw.enabled` is set.

use serde::{Deserialize, Serialize};

/// Limits of the raw stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawServeConfig {
    /// Maximum raw subscribers of this node; more are refused with 503.
    pub max_subscribers: usize,
    /// Maximum raw subscribers per address or API key; more are refused with 503. 0: the node's own limit.
    pub max_subscribers_per_address: usize,
    /// Memory for the newest frames in bytes. A subscriber that is further behind reads the log.
    pub ring_bytes: usize,
    /// Memory in bytes for recently read pages, which subscribers that replay the same range share.
    pub cache_bytes: usize,
    /// Maximum concurrent reads of the raw log; more wait in order.
    pub max_loads: usize,
    /// How far above the newest frame a cursor may be.
    pub future_slack: u64,
    /// The relay that answers HTTP requests beside the stream. Empty: they are refused with 501.
    pub upstream_http: String,
    /// The service that answers `listReposByCollection`. Empty: refused with 501.
    pub collections_http: String,
    /// Whether `requestCrawl` is passed to the relay.
    pub request_crawl: bool,
    /// Maximum concurrent requests to the relay; more are refused with 503.
    pub max_proxied: usize,
    /// Maximum of these per address; more are refused with 503. 0: the node's own limit.
    pub max_proxied_per_address: usize,
}
