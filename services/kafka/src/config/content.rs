//! Settings of what is produced and how it looks.

use std::time::Duration;

use fanjet_did_web::{Reach, Resolver};
use serde::{Deserialize, Serialize};

use super::constants;
use super::list::List;
use crate::KafkaError;

/// Where DID documents are when nothing else is said.
pub(crate) const PLC_DIRECTORY: &str = "https://plc.directory";

/// What messages look like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormatConfig {
    /// Whether events are wrapped for Osprey.
    pub osprey: bool,
    /// What Osprey's actions are called.
    pub action_names: ActionNames,
    /// Where snowflake ids begin, in Unix milliseconds.
    pub snowflake_epoch_ms: u64,
    /// Whether sync events are produced.
    pub sync: bool,
    /// Whether messages have headers.
    pub headers: bool,
}

/// What Osprey's actions are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionNames {
    /// `operation#create`.
    AtKafka,
    /// `create_post`: the operation and the last part of the collection.
    Jetstream,
}

/// What is produced. Of each pair, only one list may hold something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterConfig {
    /// Only commits to these collections, exact or `app.bsky.*`.
    pub watched_collections: List,
    /// No commits to these.
    pub ignored_collections: List,
    /// Only events of accounts on these hosts, exact or `*.bsky.network`.
    pub watched_services: List,
    /// No events of accounts on these.
    pub ignored_services: List,
}

impl FilterConfig {
    /// Whether hosts matter.
    pub fn has_services(&self) -> bool {
        !self.watched_services.is_empty() || !self.ignored_services.is_empty()
    }
}

/// `eventMetadata`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrichConfig {
    /// Whether there is any.
    pub enabled: bool,
    /// Where DID documents and audit logs are; empty: [`PLC_DIRECTORY`].
    pub plc_host: String,
    /// Where profiles are; empty: none are asked for.
    pub api_host: String,
    /// The name server that is asked for strangers' hosts and handles, `ADDRESS:PORT`; empty: this machine's.
    pub name_server: String,
    /// How long an event waits for its look-ups.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
    /// How long one look-up may take.
    #[serde(with = "humantime_serde")]
    pub lookup_timeout: Duration,
    /// Look-ups per second, each for the directory and for profiles.
    pub lookups_per_second: u32,
    /// How many of them may be made at once.
    #[serde(skip, default = "constants::burst")]
    pub burst: u32,
    /// Accounts that are remembered, of each kind.
    pub cached: usize,
    /// How long a DID document is remembered.
    #[serde(skip, default = "constants::identity_ttl")]
    pub identity_ttl: Duration,
    /// How long a failure is remembered.
    #[serde(skip, default = "constants::failure_ttl")]
    pub failure_ttl: Duration,
    /// How long the beginning of an audit log is remembered.
    #[serde(skip, default = "constants::audit_ttl")]
    pub audit_ttl: Duration,
    /// How long a profile is remembered.
    #[serde(skip, default = "constants::profile_ttl")]
    pub profile_ttl: Duration,
    /// Documents of did:web accounts.
    pub did_web: DidWebConfig,
}

/// Asking the hosts that strangers name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidWebConfig {
    /// Whether they are asked.
    pub enabled: bool,
    /// How long an event waits for one.
    #[serde(with = "humantime_serde")]
    pub deadline: Duration,
    /// Look-ups per second.
    pub lookups_per_second: u32,
    /// Whether a host may be on a network of one's own.
    #[serde(skip, default = "constants::allow_private")]
    pub allow_private: bool,
}

impl EnrichConfig {
    /// Who is asked for strangers' names.
    pub(crate) fn resolver(&self) -> Result<Resolver, KafkaError> {
        if self.name_server.is_empty() {
            return Ok(Resolver::system());
        }
        let address = self.name_server.parse().map_err(|_| {
            let what = format!(
                "{:?} is no address of a name server; allowed: 192.0.2.1:53, [2001:db8::1]:53",
                self.name_server
            );
            KafkaError::config("kafka.enrich.name_server", what)
        })?;
        Ok(Resolver::at(address, 0))
    }
}

impl DidWebConfig {
    /// Which hosts may be asked.
    pub(crate) fn reach(&self) -> Reach {
        match self.allow_private {
            true => Reach::Private,
            false => Reach::Public,
        }
    }
}
