//! Section `[edge]`. `edge.toml` beside the sources says what each key means, is by default, and may be.

mod constants;
mod limits;
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

pub use limits::LimitsConfig;
pub use status::StatusConfig;

/// Settings of one edge node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeConfig {
    /// Letting clients in.
    pub http: HttpConfig,
    /// Following the log.
    pub tail: TailConfig,
    /// Reading what the ring no longer holds.
    pub replay: ReplayConfig,
    /// Routing and flushing.
    pub hub: HubConfig,
    /// One connection.
    pub subscriber: SubscriberConfig,
    /// What one client may take.
    pub limits: LimitsConfig,
    /// Compression.
    pub zstd: ZstdConfig,
    /// Shutting down.
    pub drain: DrainConfig,
    /// What the node says about the cluster.
    #[serde(skip)]
    pub status: StatusConfig,
}

section!(EdgeConfig, "edge", "../edge.toml" {
    http: HttpConfig,
    tail: TailConfig,
    limits: LimitsConfig,
    zstd: ZstdConfig,
    drain: DrainConfig,
});

/// More worker threads the HTTP server does not start.
const MAX_WORKERS: usize = 512;

/// Letting clients in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// Where to listen. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// A file with the certificate that is shown to clients and those above it, in PEM. Empty: connections are not encrypted.
    pub tls_certificate: PathBuf,
    /// A file with its key, in PEM.
    pub tls_key: PathBuf,
    /// Worker threads, each with its own hub. 0: one per core.
    pub workers: usize,
    /// Subscribers of this node at one time; more are refused with 503.
    pub max_subscribers: usize,
    /// Subscribers from one IPv4 address, or one /64 of IPv6, at one time; more are refused with 429. 0: as many as
    /// the node takes.
    pub max_subscribers_per_address: usize,
    /// Connections from one IPv4 address, or one /64 of IPv6, at one time, whatever they are for; more are closed at once.
    /// Connections from trusted proxies are not counted. 0: no limit.
    pub max_connections_per_address: usize,
    /// Who may watch the status page live at one time; more are refused with 503, and their pages ask from time to
    /// time instead.
    pub max_status_viewers: usize,
    /// The networks of the proxies in front of this node: where a request comes from there, its client is whom
    /// `X-Forwarded-For` names.
    #[serde(deserialize_with = "list")]
    pub trusted_proxies: Vec<IpNet>,
    /// How long a client may take to send its request head; at least 600 ms, whatever is set.
    #[serde(with = "humantime_serde")]
    pub handshake_timeout: Duration,
    /// Longest request target in bytes; a longer one is refused with 414. Request heads as a whole are limited
    /// to 128 KiB.
    #[serde(skip, default = "constants::max_url_bytes")]
    pub max_url_bytes: usize,
    /// How long to wait for the client's close frame after this node's, and for the end of a request that is answered
    /// before it was sent whole; at least 600 ms, whatever is set.
    #[serde(skip, default = "constants::close_linger")]
    pub close_linger: Duration,
}

impl HttpConfig {
    /// Whether clients must speak TLS.
    pub fn is_encrypted(&self) -> bool {
        !self.tls_certificate.as_os_str().is_empty()
    }

    /// What encrypts connections, if they are to be.
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
    /// The collections that this node serves, in the words of `wantedCollections`, with identity and account events;
    /// none: everything. A narrowed node reads less, and refuses whoever may want more.
    #[serde(deserialize_with = "list")]
    pub collections: Vec<String>,
    /// Memory for the newest events in bytes. A subscriber that falls further behind reads the log.
    pub ring_bytes: usize,
    /// How many samples of the log's times are kept, so that cursors of the past are found quickly; 16 bytes each.
    #[serde(skip, default = "constants::time_index_samples")]
    pub time_index_samples: usize,
    /// How many events before the log's end are read at the start, so that the ring is not empty.
    pub warm_entries: u64,
    /// Different collections that are numbered for fast routing; events of others take a slower path.
    #[serde(skip, default = "constants::max_collections")]
    pub max_collections: usize,
    /// First pause after a failed read of the log. It doubles with each failure in a row.
    #[serde(skip, default = "constants::retry_floor")]
    pub retry_floor: Duration,
    /// Longest pause after a failed read of the log.
    #[serde(skip, default = "constants::retry_ceiling")]
    pub retry_ceiling: Duration,
    /// How often the log is asked for its end, to notice a stream that hangs silently.
    #[serde(with = "humantime_serde")]
    pub check_interval: Duration,
    /// For how long "nothing newer in the log" may be unconfirmed before the node reports itself as not ready.
    #[serde(with = "humantime_serde")]
    pub fresh_within: Duration,
}

/// Reading what the ring no longer holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayConfig {
    /// Memory in bytes for what was read lately, so that subscribers who replay the same stretch share it.
    pub cache_bytes: usize,
    /// Most bytes that are read from the log in one go.
    #[serde(skip, default = "constants::page_bytes")]
    pub page_bytes: usize,
    /// How many reads of the log may be under way at one time; more wait for their turn.
    pub max_loads: usize,
    /// How long finding the position of a cursor may take; then the client is refused with 503.
    #[serde(skip, default = "constants::cursor_timeout")]
    pub cursor_timeout: Duration,
}

/// Routing and flushing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubConfig {
    /// How much of a core, in percent, each worker may spend on sending every event at once. Above it the pause between two flushes
    /// grows, up to 60 ms at twice as much, so that each flush carries more events. 100: as fast as the sockets take it.
    pub promptness: u32,
    /// Most bytes of events that are routed in one go before the sockets get their turn.
    #[serde(skip, default = "constants::flush_bytes")]
    pub flush_bytes: usize,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriberConfig {
    /// Bytes that may wait for a slow socket. Above it the subscriber reads the ring at its own pace.
    pub max_pending_bytes: usize,
    /// Most bytes that a subscriber behind the others takes from the ring in one go.
    #[serde(skip, default = "constants::catch_up_bytes")]
    pub catch_up_bytes: usize,
    /// How often a ping is sent.
    #[serde(with = "humantime_serde")]
    pub ping_interval: Duration,
    /// How long a client may show no sign of life after a ping.
    #[serde(with = "humantime_serde")]
    pub pong_timeout: Duration,
    /// Bytes that the system takes of a connection before it has sent them. The smaller, the sooner progress is seen, and
    /// the less memory slow readers cost; what is under way to a client does not count. 0: the system's own default,
    /// megabytes.
    pub max_unsent_bytes: u32,
    /// How long a client may take nothing of what waits for it before it is cut off. 0: for ever.
    #[serde(with = "humantime_serde")]
    pub write_stall_timeout: Duration,
    /// How long a client that connected with `requireHello=true` may take to send its first options update.
    #[serde(with = "humantime_serde")]
    pub hello_timeout: Duration,
    /// Longest message from a client in bytes; a longer one closes the connection with 1009. A body of `POST /events` is
    /// as long at most; a longer one is refused with 413.
    pub max_client_message_bytes: usize,
    /// How long a client may take to send a message that it has begun, beside the pauses that limits make. 0: for ever.
    #[serde(with = "humantime_serde")]
    pub message_timeout: Duration,
    /// How old a connection may become; then it is closed with 1012 and the cursor to resume with, at the latest. The
    /// last fifth of it is used to spread these closes. 0: as old as the client likes.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
}

/// Compression for the clients that ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZstdConfig {
    /// A dictionary file. It must be the one that the clients decode with. Empty: Jetstream v1's, which is built in.
    pub dictionary: PathBuf,
    /// The level. Higher ones cost more time and gain little: events are short.
    pub level: i32,
}

/// Shutting down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrainConfig {
    /// How long clients are still let in after the node has said that it is not ready any more: whoever sends
    /// them here has to notice that first.
    #[serde(with = "humantime_serde")]
    pub grace: Duration,
    /// Over which time the closes are spread, so that not all clients reconnect at once.
    #[serde(with = "humantime_serde")]
    pub spread: Duration,
    /// How long closing all connections may take after the grace, in whole seconds and not less than the spread;
    /// what is left then is cut off.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
}

impl DrainConfig {
    /// # Errors
    /// [`EdgeError::Drain`] when the closes could not end in time.
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
