//! One process of the cluster, as it publishes itself to the others.

use serde::{Deserialize, Serialize};

/// Longest name that is shown, in characters.
const MAX_NAME: usize = 63;
/// Longest value that is read, in bytes.
const MAX_VALUE: usize = 1024;
/// Longest second token of a key.
const MAX_ID: usize = 48;

/// The kind of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Writes the log, or stands by.
    Ingest,
    /// Serves clients.
    Edge,
}

/// One process. Times are Unix microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its kind.
    pub part: Part,
    /// The machine or pod that it runs on.
    pub name: String,
    /// Its current role.
    pub role: String,
    /// Whether it is ready, according to its health report.
    pub ready: bool,
    /// Its version.
    pub version: String,
    /// When it started.
    pub since_us: u64,
    /// When it published this.
    pub at_us: u64,
}

/// What never changes while a process runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    part: Part,
    instance: String,
    since_us: u64,
}

/// The current status of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberStatus {
    /// Its role.
    pub role: String,
    /// Whether it is ready, according to its health report.
    pub ready: bool,
}

impl Presence {
    /// A process named `instance` (`host/pid/random`) that started at a time in Unix microseconds.
    pub fn new(part: Part, instance: &str, since_us: u64) -> Self {
        Self {
            part,
            instance: instance.to_owned(),
            since_us,
        }
    }

    /// The key under which it publishes.
    pub fn key(&self) -> String {
        Member::key(self.part, &self.instance)
    }

    /// The value to publish at a time in Unix microseconds.
    pub fn encode(&self, MemberStatus { role, ready }: MemberStatus, at_us: u64) -> Vec<u8> {
        let member = Member {
            part: self.part,
            name: Member::name_in(&self.instance),
            role,
            ready,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since_us: self.since_us,
            at_us,
        };
        // Serialization of numbers and texts cannot fail.
        serde_json::to_vec(&member).unwrap_or_default()
    }
}

impl Member {
    /// The host in a process's name, `host/pid/random`.
    pub fn name_in(instance: &str) -> String {
        let host = instance.split('/').next().unwrap_or_default();
        host.chars().take(MAX_NAME).collect()
    }

    /// The key of the process with this name: two tokens of `A-Z a-z 0-9 - _`.
    pub fn key(part: Part, instance: &str) -> String {
        let plain = |it: char| if it.is_ascii_alphanumeric() { it } else { '-' };
        // The end of the name is random, so it distinguishes processes.
        let surplus = instance.chars().count().saturating_sub(MAX_ID);
        let id: String = instance.chars().skip(surplus).map(plain).collect();
        format!("{}.{id}", part.label())
    }

    /// Decodes the value of a key; `None` if it is not a member's.
    pub fn decode(key: &str, value: &[u8]) -> Option<Self> {
        let (part, _) = key.split_once('.')?;
        let member: Self = serde_json::from_slice(value.get(..value.len().min(MAX_VALUE))?).ok()?;
        (member.part.label() == part).then_some(member)
    }
}

impl Part {
    /// Its token in keys.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Edge => "edge",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn member(part: Part) -> Member {
        Member {
            part,
            name: "pod-1".to_owned(),
            role: "leader".to_owned(),
            ready: true,
            version: "0.1.0".to_owned(),
            since_us: 1,
            at_us: 2,
        }
    }

    #[test]
    fn a_value_is_decoded_under_its_own_key_only() {
        for part in [Part::Ingest, Part::Edge] {
            let value = serde_json::to_vec(&member(part)).unwrap();
            let key = Member::key(part, "pod-1/17/0a1b2c3d");
            assert_eq!(Member::decode(&key, &value), Some(member(part)));
            assert_eq!(Member::decode("kafka.x", &value), None);
            assert_eq!(Member::decode("freshness", &value), None);
        }
        // An edge must not pass as an ingest.
        let value = serde_json::to_vec(&member(Part::Ingest)).unwrap();
        assert_eq!(Member::decode("edge.x", &value), None);
        assert_eq!(Member::decode("edge.x", b""), None);
        assert_eq!(Member::decode("edge.x", &[b' '; 5000]), None);
    }

    proptest! {
        #[test]
        fn any_name_makes_a_key_of_its_own(instance in "\\PC{1,200}") {
            let key = Member::key(Part::Edge, &instance);
            let id = key.strip_prefix("edge.").unwrap();
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            prop_assert!(!id.is_empty() && key.len() <= 64 && id.bytes().all(is_plain), "{key}");
            let other = Member::key(Part::Edge, &format!("{instance}x"));
            prop_assert_ne!(other, key);
            prop_assert!(Member::name_in(&instance).chars().count() <= MAX_NAME);
        }
    }
}
