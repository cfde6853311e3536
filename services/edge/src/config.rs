//! Section `[edge]`. `edge.toml` documents each key with its default and its allowed values.

mod constants;
mod disk;
mod limits;
mod raw;
mod labels;
mod status;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use fanjet_config::{list, section};
use fanjet_http::Tls;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::EdgeError;

pub use disk::DiskConfig;
pub use labels::LabelsServeConfig;
pub use limits::LimitsConfig;
pub use raw::RawServeConfig;
pub use status::StatusConfig;

/// Settings of one edge node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeConfig {
    /// Accepting clients.
    pub http: HttpConfig,
    /// Following the log.
    pub tail: TailConfig,
    /// Reading events that the ring no longer holds.
    pub replay: ReplayConfig,
    /// History on the node's own disk.
    pub disk: DiskConfig,
    /// Routing and flushing.
    pub hub: HubConfig,
    /// One connection.
    pub subscriber: SubscriberConfig,
    /// Limits per client.
    pub limits: LimitsConfig,
    /// Serving the raw log.
    pub raw: RawServeConfig,
    /// Serving the log of labels.
    pub labels: LabelsServeConfig,
    /// Compression.
    pub zstd: ZstdConfig,
    /// Shutting down.
    pub drain: DrainConfig,
    /// Cluster information on the status page.
    #[serde(skip)]
    pub status: StatusConfig,
}

section!(EdgeConfig, "edge", "../edge.toml" {
    http: HttpConfig,
    tail: TailConfig,
    limits: LimitsConfig,
    raw: RawServeConfig,
    labels: LabelsServeConfig,
    zstd: ZstdConfig,
    drain: DrainConfig,
});

/// The HTTP server does not start more worker threads than this.
const MAX_WORKERS: usize = 512;

/// Accepting clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// The address to listen on. Port 0 picks a free port.
    pub listen: SocketAddr,
    /// The PEM file with the certificate chain. Empty: connections are not encrypted.
    pub tls_certificate: PathBuf,
    /// The PEM file with the private key.
    pub tls_key: PathBuf,
    /// Worker threads, each with its own hub. 0: one per core.
    pub workers: usize,
    /// Maximum subscribers of this node; more are refused with 503.
    pub max_subscribers: usize,
    /// Maximum subscribers per IPv4 address or IPv6 /64; more are refused with 429. 0: the node's own limit.
    pub max_subscribers_per_address: usize,
    /// Maximum connections per IPv4 address or IPv6 /64, for any purpose; more are closed immediately. Connections from
    /// trusted proxies are not counted. 0: no limit.
    pub max_connections_per_address: usize,
    /// Maximum live viewers of the status page; more are refused with 503, and their pages poll instead.
    pub max_status_viewers: usize,
    /// The networks of the proxies in front of this node. For requests from these networks, the client address is taken from
    /// `X-Forwarded-For`.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<IpNet>,
    /// How long a client may take to send its request head; at least 600 ms.
    #[serde(with = "humantime_serde")]
    pub handshake_timeout: Duration,
    /// Maximum length of the request target in bytes; longer ones are refused with 414. A whole request head is limited to 128
    /// KiB.
    #[serde(skip, default = "constants::max_url_bytes")]
    pub max_url_bytes: usize,
    /// How long to wait for the client's close frame after the node's own, and for the rest of a request that was answered
    /// before it was complete; at least 600 ms.
    #[serde(skip, default = "constants::close_linger")]
    pub close_linger: Duration,
}

impl HttpConfig {
    /// Whether clients must use TLS.
    pub fn is_encrypted(&self) -> bool {
        !self.tls_certificate.as_os_str().is_empty()
    }

    /// The TLS configuration; `None` without encryption.
    ///
    /// # Errors
    /// [`EdgeError::Tls`].
    pub(crate) fn tls(&self) -> Result<Option<Tls>, EdgeError> {
        let has_key = !self.tls_key.as_os_str().is_empty();
        match (self.is_encrypted(), has_key) {
            (false, false) => Ok(None),
            (true, true) => Ok(Some(Tls::load(&self.tls_certificate, &self.tls_key)?)),
            (true, false) => Err(EdgeError::HalfTls {
                set: "tls_certificate",
                empty: "tls_key",
            }),
            (false, true) => Err(EdgeError::HalfTls {
                set: "tls_key",
                empty: "tls_certificate",
            }),
        }
    }

    /// The number of worker threads.
    pub fn worker_count(&self) -> usize {
        match self.workers {
            0 => {
                let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
                cores.min(MAX_WORKERS)
            }
            workers => workers,
        }
    }
}

/// Following the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TailConfig {
    /// The collections that this node serves, in the syntax of `wantedCollections`, plus identity and account events. Empty:
    /// everything. A narrowed node reads less and refuses filters that may match more.
    #[serde(deserialize_with = "list")]
    pub collections: Vec<String>,
    /// Memory for the newest events in bytes. A subscriber that is further behind reads the log.
    pub ring_bytes: usize,
    /// Number of time samples kept to resolve cursors quickly, 16 bytes each.
    #[serde(skip, default = "constants::time_index_samples")]
    pub time_index_samples: usize,
    /// Number of events before the log's end that are read at startup to fill the ring.
    pub warm_entries: u64,
    /// Number of collections that get an index for fast routing; events of other collections take a slower path.
    #[serde(skip, default = "constants::max_collections")]
    pub max_collections: usize,
    /// First pause after a failed read of the log. It doubles with each consecutive failure.
    #[serde(skip, default = "constants::retry_floor")]
    pub retry_floor: Duration,
    /// Longest pause after a failed read of the log.
    #[serde(skip, default = "constants::retry_ceiling")]
    pub retry_ceiling: Duration,
    /// How often the node asks for the log's end, to detect a stream that hangs silently.
    #[serde(with = "humantime_serde")]
    pub check_interval: Duration,
    /// How long the node stays ready without confirmation that it has the newest event.
    #[serde(with = "humantime_serde")]
    pub fresh_within: Duration,
}

/// Reading events that the ring no longer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayConfig {
    /// Memory in bytes for recently read pages, which subscribers that replay the same range share.
    pub cache_bytes: usize,
    /// Maximum bytes per read of the log.
    #[serde(skip, default = "constants::page_bytes")]
    pub page_bytes: usize,
    /// Maximum concurrent reads of the log; more wait in order.
    pub max_loads: usize,
    /// How long resolving a cursor may take; then the client is refused with 503.
    #[serde(skip, default = "constants::cursor_timeout")]
    pub cursor_timeout: Duration,
}

/// Routing and flushing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubConfig {
    /// Share of a core, in percent, that each worker may spend on sending every event at once. Above it the interval between
    /// flushes grows, up to 60 ms at twice the share, so that each flush carries more events. 100: as fast as the sockets
    /// accept data.
    pub promptness: u32,
    /// Maximum bytes of events routed before the sockets get their turn.
    #[serde(skip, default = "constants::flush_bytes")]
    pub flush_bytes: usize,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriberConfig {
    /// Maximum bytes queued for a slow socket. Above it the subscriber reads the ring at its own pace.
    pub max_pending_bytes: usize,
    /// Maximum bytes that a subscriber that is catching up takes from the ring at once.
    #[serde(skip, default = "constants::catch_up_bytes")]
    pub catch_up_bytes: usize,
    /// How often a ping is sent.
    #[serde(with = "humantime_serde")]
    pub ping_interval: Duration,
    /// How long a client may stay silent after a ping.
    #[serde(with = "humantime_serde")]
    pub pong_timeout: Duration,
    /// Maximum unsent bytes that the kernel buffers per connection. A smaller value shows progress sooner and makes slow
    /// readers cheaper; bytes in flight do not count. 0: the kernel's default, megabytes.
    pub max_unsent_bytes: u32,
    /// How long a client may read nothing while data waits for it before it is disconnected. 0: no limit.
    #[serde(with = "humantime_serde")]
    pub write_stall_timeout: Duration,
    /// How long a client that connected with `requireHello=true` may take to send its first options update.
    #[serde(with = "humantime_serde")]
    pub hello_timeout: Duration,
    /// Maximum length of a client message in bytes; a longer one closes the connection with 1009. The same limit applies to
    /// the body of `POST /events`, which is refused with 413.
    pub max_client_message_bytes: usize,
    /// How long a client may take to complete a message, not counting throttling pauses. 0: no limit.
    #[serde(with = "humantime_serde")]
    pub message_timeout: Duration,
    /// Maximum age of a connection; it is closed with 1012 and its resume cursor in the last fifth of that time, to spread
    /// reconnects. 0: no limit.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
}

/// Compression for clients that ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZstdConfig {
    /// The dictionary file. Clients must decode with the same one. Empty: the built-in dictionary of Jetstream v1.
    pub dictionary: PathBuf,
    /// The dictionary that clients of Jetstream v2 fetch. Empty: the built-in one.
    pub v2_dictionary: PathBuf,
    /// One that they may still have. Empty: none.
    pub v2_previous_dictionary: PathBuf,
    /// The compression level. Higher levels cost more time and gain little, because events are short.
    pub level: i32,
}

/// Shutting down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrainConfig {
    /// How long clients are still accepted after the node has reported itself as not ready, so that load balancers can notice.
    #[serde(with = "humantime_serde")]
    pub grace: Duration,
    /// The time over which closes are spread, so that not all clients reconnect at once.
    #[serde(with = "humantime_serde")]
    pub spread: Duration,
    /// How long closing all connections may take after the grace period, in whole seconds and at least the spread; connections
    /// that remain are cut off.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
}

impl DrainConfig {
    /// # Errors
    /// [`EdgeError::Drain`] when the closes cannot finish in time.
    pub(crate) fn check(&self) -> Result<(), EdgeError> {
        if self.spread <= self.deadline && self.deadline.subsec_nanos() == 0 {
            return Ok(());
        }
        Err(EdgeError::Drain {
            spread: self.spread,
            deadline: self.deadline,
        })
    }
}

#[cfg(test)]
mod tests;
