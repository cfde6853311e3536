//! Serving the log of labels, where `labels.labelers` names some.

use serde::{Deserialize, Serialize};

use super::RawServeConfig;

/// Limits of the streams of labels, all together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelsServeConfig {
    /// Maximum subscribers of labels of this node; more are refused with 503.
    pub max_subscribers: usize,
    /// Maximum subscribers of labels per address or API key; more are refused with 503. 0: the node's own limit.
    pub max_subscribers_per_address: usize,
    /// Memory for the newest frames in bytes. A subscriber that is further behind reads the log.
    pub ring_bytes: usize,
    /// Memory in bytes for recently read pages, which subscribers that replay the same range share.
    pub cache_bytes: usize,
    /// Maximum concurrent reads of the log of labels; more wait in order.
    pub max_loads: usize,
}

impl LabelsServeConfig {
    /// The limits of one of `streams` streams, which share the memory. No cursor may be above the newest frame.
    pub(crate) fn of_each(&self, streams: usize) -> RawServeConfig {
        let streams = streams.max(1);
        RawServeConfig {
            max_subscribers: self.max_subscribers,
            max_subscribers_per_address: self.max_subscribers_per_address,
            ring_bytes: self.ring_bytes / streams,
            cache_bytes: self.cache_bytes / streams,
            max_loads: self.max_loads,
            future_slack: 0,
            // Only the firehose has a relay behind it.
            upstream_http: String::new(),
            collections_http: String::new(),
            request_crawl: false,
            max_proxied: 0,
            max_proxied_per_address: 0,
        }
    }
}
