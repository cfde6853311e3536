//! One process of the cluster, as it tells the others about itself.

use serde::{Deserialize, Serialize};

/// Longest name that is shown, in characters.
const MAX_NAME: usize = 63;
/// Longest value that is read, in bytes.
const MAX_VALUE: usize = 1024;
/// Longest key's second part.
const MAX_ID: usize = 48;

/// What kind of process it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Writes the log, or could.
    Ingest,
    /// Serves it.
    Edge,
}

/// One process. Times are Unix microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// What it is.
    pub part: Part,
    /// The machine or pod that it runs on.
    pub name: String,
    /// What it does at the moment.
    pub role: String,
    /// Whether it is ready, as its health says.
    pub ready: bool,
    /// Which release it is.
    pub version: String,
    /// When it began.
    pub since_us: u64,
    /// When it said so.
    pub at_us: u64,
}

/// What a process says of itself all its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    part: Part,
    instance: String,
    since_us: u64,
}

/// How a process stands at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it does.
    pub role: String,
    /// Whether it is ready, as its health says.
    pub ready: bool,
}

impl Presence {
    /// Of the process that is called `instance` (`host/pid/random`) and began at a time in Unix microseconds.
    pub fn new(part: Part, instance: &str, since_us: u64) -> Self {
        Self {
            part,
            instance: instance.to_owned(),
            since_us,
        }
    }

    /// Under which key it tells.
    pub fn key(&self) -> String {
        Member::key(self.part, &self.instance)
    }

    /// What it tells at a time in Unix microseconds.
    pub fn told(&self, Standing { role, ready }: Standing, at_us: u64) -> Vec<u8> {
        let member = Member {
            part: self.part,
            name: Member::name_in(&self.instance),
            role,
            ready,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since_us: self.since_us,
            at_us,
        };
        // Numbers and texts can always be written.
        serde_json::to_vec(&member).unwrap_or_default()
    }
}

impl Member {
    /// The machine in a process's own name, `host/pid/random`.
    pub fn name_in(instance: &str) -> String {
        let host = instance.split('/').next().unwrap_or_default();
        host.chars().take(MAX_NAME).collect()
    }

    /// Under which key the process with this name tells: two tokens of `A-Z a-z 0-9 - _`.
    pub fn key(part: Part, instance: &str) -> String {
        let plain = |it: char| if it.is_ascii_alphanumeric() { it } else { '-' };
        // The end tells processes apart: what is random stands there.
        let surplus = instance.chars().count().saturating_sub(MAX_ID);
        let id: String = instance.chars().skip(surplus).map(plain).collect();
        format!("{}.{id}", part.label())
    }

    /// What a value under a key says; `None` when it is no member's.
    pub fn told(key: &str, value: &[u8]) -> Option<Self> {
        let (part, _) = key.split_once('.')?;
        let member: Self = serde_json::from_slice(value.get(..value.len().min(MAX_VALUE))?).ok()?;
        (member.part.label() == part).then_some(member)
    }
}

impl Part {
    /// Its name in keys.
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
    fn what_is_told_is_read_under_its_own_key_only() {
        for part in [Part::Ingest, Part::Edge] {
            let told = serde_json::to_vec(&member(part)).unwrap();
            let key = Member::key(part, "pod-1/17/0a1b2c3d");
            assert_eq!(Member::told(&key, &told), Some(member(part)));
            assert_eq!(Member::told("kafka.x", &told), None);
            assert_eq!(Member::told("freshness", &told), None);
        }
        // An edge may not pass for an ingest.
        let told = serde_json::to_vec(&member(Part::Ingest)).unwrap();
        assert_eq!(Member::told("edge.x", &told), None);
        assert_eq!(Member::told("edge.x", b""), None);
        assert_eq!(Member::told("edge.x", &[b' '; 5000]), None);
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
