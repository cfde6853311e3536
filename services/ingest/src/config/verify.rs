//! Section `[ingest.verify]`: which commits are verified, and where keys come from.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::constants;
use crate::IngestError;

/// Section `[ingest.verify]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyConfig {
    /// Which commits.
    pub commits: VerifyMode,
    /// Batches checked at the same time; 0 for one per core.
    pub workers: usize,
    /// Base URL of did:plc documents.
    pub plc_url: String,
    /// Base URL of did:web documents; empty for the hosts that the DIDs name.
    pub web_url: String,
    /// Time for one look-up.
    #[serde(with = "humantime_serde")]
    pub lookup_timeout: Duration,
    /// Look-ups started per second and DID method.
    pub lookups_per_second: u32,
    /// Keys kept at the most, of each DID method.
    pub cached_keys: usize,
    /// How long a key is used.
    #[serde(with = "humantime_serde")]
    pub key_ttl: Duration,
    /// How long an account without a key is remembered.
    #[serde(skip, default = "constants::missing_ttl")]
    pub missing_ttl: Duration,
}

/// Which commits are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum VerifyMode {
    /// None.
    Off,
    /// One in so many.
    Sample(NonZeroU64),
    /// All.
    All,
}

impl VerifyMode {
    /// Every how many commits one is verified.
    pub(crate) fn one_in(self) -> Option<NonZeroU64> {
        match self {
            Self::Off => None,
            Self::Sample(one_in) => Some(one_in),
            Self::All => Some(NonZeroU64::MIN),
        }
    }
}

impl FromStr for VerifyMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "all" => Ok(Self::All),
            _ => text
                .strip_prefix("sample:")
                .and_then(|one_in| one_in.parse().ok())
                .map(Self::Sample)
                .ok_or_else(|| {
                    format!(
                        "{text:?} is unknown; allowed: \"off\", \"sample:N\" with N from 1, \"all\""
                    )
                }),
        }
    }
}

impl fmt::Display for VerifyMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Sample(one_in) => write!(f, "sample:{one_in}"),
            Self::All => f.write_str("all"),
        }
    }
}

impl TryFrom<String> for VerifyMode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<VerifyMode> for String {
    fn from(mode: VerifyMode) -> Self {
        mode.to_string()
    }
}

impl VerifyConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`IngestError::Config`].
    pub fn validate(&self) -> Result<(), IngestError> {
        base_url("ingest.verify.plc_url", &self.plc_url)?;
        if !self.web_url.is_empty() {
            base_url("ingest.verify.web_url", &self.web_url)?;
        }
        Ok(())
    }
}

/// A base to which `/<did>` can be added.
pub(crate) fn base_url(key: &'static str, text: &str) -> Result<Url, IngestError> {
    fanjet_identity::base_url(text).ok_or_else(|| IngestError::Config {
        key,
        reason: format!("{text:?} is no directory; allowed: https://HOST, http://HOST"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_and_written_alike() {
        for text in ["off", "all", "sample:1", "sample:10"] {
            assert_eq!(text.parse::<VerifyMode>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "on",
            "sample",
            "sample:",
            "sample:0",
            "sample:-1",
            "ALL",
        ] {
            assert!(bad.parse::<VerifyMode>().is_err(), "{bad}");
        }
    }
}
