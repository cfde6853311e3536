//! Section `[labels]`: which labelers are followed, and the log of their frames.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use fanjet_config::{list, section};
use fanjet_event::Did;
use serde::{Deserialize, Serialize};

use crate::UpstreamId;

/// Which labelers, and how their log is kept, whatever its backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelsConfig {
    /// The labelers; none: there is no log of labels.
    #[serde(deserialize_with = "list")]
    pub labelers: Vec<Labeler>,
    /// Where a labeler without any frame in the log is read from.
    pub first: FirstContact,
    /// What becomes of labels whose signatures are wrong.
    pub verify: LabelsVerification,
    /// Labels read from one labeler per second; ten times as many at once.
    pub labels_per_second: u32,
    /// Whether the endpoints of DID documents may be at private addresses, and without TLS.
    pub private_endpoints: bool,
    /// How long a frame is kept; zero is for ever.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// Bytes on disk after which the oldest frames go; 0 is unlimited.
    pub max_bytes: u64,
    /// The name of the stream in NATS.
    pub stream: String,
    /// First token or tokens of its subjects.
    pub subject_root: String,
}

section!(LabelsConfig, "labels", "../../labels.toml");

impl LabelsConfig {
    /// Whether there is a log of labels.
    pub fn is_wanted(&self) -> bool {
        !self.labelers.is_empty()
    }

    /// The labelers' names, each once.
    pub fn dids(&self) -> BTreeSet<Did> {
        let dids = self.labelers.iter().map(|labeler| labeler.did.clone());
        dids.collect()
    }
}

/// Where reading begins at the first contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FirstContact {
    /// With everything that the labeler has.
    Start,
    /// With what comes from now on.
    Now,
}

/// What becomes of labels whose signatures are wrong, or cannot be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelsVerification {
    /// Nothing is checked.
    Off,
    /// They are counted and kept.
    Log,
    /// Their frames are dropped.
    Enforce,
}

/// One labeler, `DID` or `DID=URL`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Labeler {
    /// Its name.
    pub did: Did,
    /// Where it is; `None`: its DID document says it.
    pub url: Option<String>,
}

impl Labeler {
    /// Its name in origins. Every DID of this type is one.
    pub fn upstream(&self) -> Option<UpstreamId> {
        UpstreamId::new(self.did.as_str())
    }
}

impl FromStr for Labeler {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (did, url) = match text.split_once('=') {
            Some((did, url)) => (did.trim(), Some(url.trim().to_owned())),
            None => (text.trim(), None),
        };
        let refuse = |why: &str| {
            format!(
                "invalid labeler: {text:?}: {why} (allowed: DID or DID=URL, with a DID of at most {} bytes)",
                UpstreamId::MAX_LEN
            )
        };
        let parsed = Did::parse(did).map_err(|_| refuse("no DID"))?;
        if UpstreamId::new(did).is_none() {
            return Err(refuse("the DID is too long"));
        }
        Ok(Self {
            did: parsed.shared(),
            url,
        })
    }
}

impl fmt::Display for Labeler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.did.as_str())?;
        match &self.url {
            Some(url) => write!(f, "={url}"),
            None => Ok(()),
        }
    }
}

impl TryFrom<String> for Labeler {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Labeler> for String {
    fn from(labeler: Labeler) -> Self {
        labeler.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labelers_are_read_and_written_alike() {
        for text in [
            "did:plc:ar7c4by46qjdydhdevvrndac",
            "did:web:labeler.example%3A8080",
            "did:plc:ar7c4by46qjdydhdevvrndac=wss://mod.bsky.app?a=b",
        ] {
            assert_eq!(text.parse::<Labeler>().unwrap().to_string(), text);
        }
        let long = format!("did:web:{}", "a".repeat(250));
        for bad in ["", "mod.bsky.app", "=wss://x", &long] {
            assert!(bad.parse::<Labeler>().is_err(), "{bad}");
        }
    }

    #[test]
    fn there_is_no_log_of_labels_by_default() {
        let config = LabelsConfig::default();
        assert!(!config.is_wanted());
    }
}
