//! What an operator sets.

mod ranges;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use fanjet_config::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use ranges::RANGES;

/// Where the log is and how to get in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NatsConfig {
    /// Servers of one cluster, tried in random order: in text, with commas between them.
    #[serde(deserialize_with = "comma_separated", serialize_with = "with_commas")]
    pub url: Vec<ServerUrl>,
    /// What the connection is called on the server, behind `fanjet-`.
    pub name: String,
    /// User name; goes with `password`.
    pub user: Option<String>,
    /// Password of `user`.
    pub password: Option<Secret>,
    /// File with a JWT and its seed, as `nsc` writes it.
    pub credentials_file: Option<PathBuf>,
    /// Seed of an nkey (`SU...`).
    pub nkey_seed: Option<Secret>,
    /// First tokens of the subjects on which answers come. Users that must not see each other's answers have one each.
    pub inbox_prefix: String,
    /// Whether to insist on TLS. Servers that offer it get it in any case.
    pub tls: bool,
    /// PEM file with the certificates that sign the servers', beside the usual ones.
    pub tls_ca_file: Option<PathBuf>,
    /// How long connecting may take.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long one request may take. A read or append that gets no answer in this time is unavailable.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// How long an append may go without an acknowledgement.
    #[serde(with = "humantime_serde")]
    pub ack_timeout: Duration,
    /// Events under way without an acknowledgement.
    pub publish_window: usize,
    /// The KV bucket that says which ingest leads. Created and replicated as the stream is.
    pub lease_bucket: String,
    /// Memory in bytes for what replays read ahead of their readers, all together. 0: nothing is read ahead, which costs
    /// the server three times as much.
    pub read_ahead_bytes: usize,
    /// The stream.
    pub stream: StreamConfig,
}

/// The stream that is the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamConfig {
    /// Its name.
    pub name: String,
    /// First token or tokens of its subjects: `atp` in `atp.commit.app.bsky.feed.post`.
    pub subject_root: String,
    /// Whether to create it when it is not there. Everything below is used only then; an existing stream is
    /// checked and left as it is.
    pub create: bool,
    /// Copies: 1, 3 or 5.
    pub replicas: usize,
    /// How long an event is kept; zero is for ever.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// Bytes on disk after which the oldest events go, before their age; -1 is unlimited.
    pub max_bytes: i64,
    /// Where it is kept.
    pub storage: Storage,
    /// How it is packed on disk.
    pub compression: Compression,
}

/// Where a stream is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    /// On disk.
    File,
    /// In the servers' memory: gone with them.
    Memory,
}

/// How a stream is packed on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// S2: half the disk for some CPU.
    S2,
    /// Not at all.
    None,
}

impl Default for NatsConfig {
    fn default() -> Self {
        Self {
            url: vec![ServerUrl("nats://127.0.0.1:4222".to_owned())],
            name: "log".to_owned(),
            user: None,
            password: None,
            credentials_file: None,
            nkey_seed: None,
            inbox_prefix: "_INBOX".to_owned(),
            tls: false,
            tls_ca_file: None,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(2),
            ack_timeout: Duration::from_secs(5),
            publish_window: 1024,
            lease_bucket: "fanjet".to_owned(),
            read_ahead_bytes: 64 << 20,
            stream: StreamConfig::default(),
        }
    }
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            name: "ATP".to_owned(),
            subject_root: "atp".to_owned(),
            create: true,
            replicas: 1,
            max_age: Duration::from_secs(72 * 3600),
            max_bytes: -1,
            storage: Storage::File,
            compression: Compression::S2,
        }
    }
}

/// The address of a server, `nats://host:port` or `tls://host:port`. A user and a password in front of the host are
/// refused when connecting, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl(String);

impl ServerUrl {
    /// Wraps an address.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        // The last @: a password may hold one that somebody forgot to encode.
        let (secrets, host) = match rest.rsplit_once('@') {
            Some((_, host)) => ("***@", host),
            None => ("", rest),
        };
        write!(f, "{scheme}://{secrets}{host}")
    }
}

/// Shown as in [`fmt::Debug`].
fn with_commas<S: Serializer>(urls: &[ServerUrl], serializer: S) -> Result<S::Ok, S::Error> {
    let shown: Vec<_> = urls.iter().map(|url| format!("{url:?}")).collect();
    serializer.serialize_str(&shown.join(","))
}

fn comma_separated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ServerUrl>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(text
        .split(',')
        .map(|url| ServerUrl::new(url.trim()))
        .collect())
}

#[cfg(test)]
mod tests;
