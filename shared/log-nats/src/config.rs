//! Section `[nats]`. `nats.toml` beside the sources says what each key means, is by default, and may be.

mod constants;
mod content;
mod raw;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use content::Content;
use fanjet_config::{Secret, optional, section};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where the log is and how to get in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatsConfig {
    /// Servers of one cluster, tried in random order: in text, with commas between them.
    #[serde(deserialize_with = "comma_separated", serialize_with = "with_commas")]
    pub url: Vec<ServerUrl>,
    /// What the connection is called on the server, behind `fanjet-`.
    pub name: String,
    /// User name; goes with `password`.
    #[serde(with = "optional")]
    pub user: Option<String>,
    /// Password of `user`.
    #[serde(with = "optional")]
    pub password: Option<Secret>,
    /// File with a JWT and its seed, as `nsc` writes it.
    #[serde(with = "optional")]
    pub credentials_file: Option<PathBuf>,
    /// Seed of an nkey (`SU...`).
    #[serde(with = "optional")]
    pub nkey_seed: Option<Secret>,
    /// First tokens of the subjects on which answers come. Users that must not see each other's answers have one each.
    pub inbox_prefix: String,
    /// The JetStream domain of a user whose account imports the log from another account.
    #[serde(with = "optional")]
    pub domain: Option<String>,
    /// Whether to insist on TLS. Servers that offer it get it in any case.
    pub tls: bool,
    /// PEM file with the certificates that sign the servers', beside the usual ones.
    #[serde(with = "optional")]
    pub tls_ca_file: Option<PathBuf>,
    /// How long connecting may take.
    #[serde(skip, default = "constants::connect_timeout")]
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

section!(NatsConfig, "nats", "../nats.toml" { stream: StreamConfig });

impl NatsConfig {
    /// What the subject of every JetStream request begins with.
    pub(crate) fn api(&self) -> String {
        match &self.domain {
            None => "$JS.API".to_owned(),
            Some(domain) => format!("$JS.{domain}.API"),
        }
    }
}

/// The stream that is the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamConfig {
    /// What its messages are.
    #[serde(skip)]
    pub content: Content,
    /// Its name.
    pub name: String,
    /// First token or tokens of its subjects: `atp` in `atp.commit.app.bsky.feed.post`.
    pub subject_root: String,
    /// Whether to create it when it is not there. Everything below is used only then; an existing stream is
    /// checked and left as it is.
    pub create: bool,
    /// The prefix of the JetStream API of another NATS cluster, whose stream of this name it mirrors; empty: it is the log itself.
    pub mirror: String,
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
