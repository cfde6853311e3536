//! Settings of the connection to the brokers.

use std::path::PathBuf;

use fanjet_config::Secret;
use serde::{Deserialize, Serialize};

use super::by_name::by_name;

/// How batches are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", try_from = "String")]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// As at-kafka's library packs by default.
    #[default]
    Snappy,
    /// lz4.
    Lz4,
    /// zstd.
    Zstd,
}

impl Compression {
    /// The word of Kafka's clients.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

by_name!(Compression {
    "none" => None,
    "gzip" => Gzip,
    "snappy" => Snappy,
    "lz4" => Lz4,
    "zstd" => Zstd,
});

/// What a crash may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", try_from = "String")]
pub enum Delivery {
    /// Produce events again, under the same ids.
    #[default]
    AtLeastOnce,
    /// Nothing, for consumers that read committed messages.
    ExactlyOnce,
}

by_name!(Delivery {
    "at-least-once" => AtLeastOnce,
    "exactly-once" => ExactlyOnce,
});

/// How SASL proves who we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub enum Mechanism {
    /// No SASL.
    #[default]
    #[serde(rename = "")]
    None,
    /// The password itself; only over TLS.
    #[serde(rename = "PLAIN")]
    Plain,
    /// Salted challenge with SHA-256.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// Salted challenge with SHA-512.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
}

by_name!(Mechanism {
    "" => None,
    "PLAIN" => Plain,
    "SCRAM-SHA-256" => ScramSha256,
    "SCRAM-SHA-512" => ScramSha512,
});

impl Mechanism {
    /// The registered name; `None` without SASL.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Plain => Some("PLAIN"),
            Self::ScramSha256 => Some("SCRAM-SHA-256"),
            Self::ScramSha512 => Some("SCRAM-SHA-512"),
        }
    }
}

/// Who we are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SaslConfig {
    /// How it is proven.
    pub mechanism: Mechanism,
    /// The user.
    pub username: String,
    /// The user's password.
    pub password: Secret,
}

impl Default for SaslConfig {
    fn default() -> Self {
        Self {
            mechanism: Mechanism::None,
            username: String::new(),
            password: Secret::new(""),
        }
    }
}

/// Encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// Whether to use it.
    pub enabled: bool,
    /// PEM with the certificates that sign the brokers'; empty: what the system trusts.
    pub ca_file: PathBuf,
    /// PEM with our certificate, for brokers that want one.
    pub certificate_file: PathBuf,
    /// PEM with its key.
    pub key_file: PathBuf,
    /// The key's password.
    pub key_password: Secret,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            ca_file: PathBuf::new(),
            certificate_file: PathBuf::new(),
            key_file: PathBuf::new(),
            key_password: Secret::new(""),
        }
    }
}
