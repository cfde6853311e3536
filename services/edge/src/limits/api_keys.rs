//! API keys, which give known clients their own limits. The node stores only their hashes.

use std::fmt::{self, Debug};
use std::path::Path;
use std::sync::Arc;

use data_encoding::HEXLOWER_PERMISSIVE;
use hashbrown::HashMap;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::EdgeError;

const KEY: &str = "edge.limits.api_keys";
/// Longer texts are not hashed: they cannot be keys.
const MAX_KEY_BYTES: usize = 512;

/// The known keys.
#[derive(Debug, Default)]
pub(crate) struct ApiKeys(HashMap<[u8; 32], Arc<ApiKey>>);

/// The limits of a key's owner.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKey {
    /// For the operator. Neither logged nor used in metrics.
    pub(crate) name: String,
    sha256: Hash,
    /// Maximum concurrent subscribers, from all addresses together.
    pub(crate) max_subscribers: usize,
    /// Replayed bytes per second, for all subscribers together. 0: no limit.
    #[serde(default)]
    pub(crate) max_replay_bytes_per_second: u64,
}

/// The SHA-256 of a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
struct Hash([u8; 32]);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    key: Vec<ApiKey>,
}

impl ApiKeys {
    /// Loads the keys of a file; none for an empty path.
    ///
    /// # Errors
    /// [`EdgeError::ApiKeys`].
    pub(crate) fn load(path: &Path) -> Result<Self, EdgeError> {
        if path.as_os_str().is_empty() {
            return Ok(Self::default());
        }
        let invalid = |reason: String| EdgeError::ApiKeys {
            key: KEY,
            path: path.to_owned(),
            reason,
        };
        let text = std::fs::read_to_string(path).map_err(|error| invalid(error.to_string()))?;
        Self::parse(&text).map_err(invalid)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut keys = HashMap::new();
        for key in file.key {
            let name = key.name.clone();
            if keys.insert(key.sha256.0, Arc::new(key)).is_some() {
                return Err(format!("{name:?} has the same sha256 as another key"));
            }
        }
        Ok(Self(keys))
    }

    /// Whether any keys are configured.
    pub(crate) fn are_known(&self) -> bool {
        !self.0.is_empty()
    }

    /// The key with this text.
    pub(crate) fn find(&self, text: &str) -> Option<Arc<ApiKey>> {
        // Found by its hash, so that timing reveals nothing about a key.
        (text.len() <= MAX_KEY_BYTES)
            .then(|| self.0.get(Sha256::digest(text).as_slice()).cloned())
            .flatten()
    }
}

impl ApiKey {
    /// Identifies the key.
    pub(crate) fn id(&self) -> [u8; 32] {
        self.sha256.0
    }
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let decoded = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
        let hash = decoded.and_then(|bytes| bytes.try_into().ok());
        hash.map(Self).ok_or_else(|| {
            "sha256 must be 64 hexadecimal digits, as `printf %s KEY | sha256sum` prints them"
                .to_owned()
        })
    }
}

impl Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash of the key `open sesame`.
    const SHA256: &str = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";

    fn file(more: &str) -> String {
        format!("[[key]]\nname = \"acme\"\nsha256 = \"{SHA256}\"\nmax_subscribers = 5000\n{more}")
    }

    #[test]
    fn a_key_is_found_by_its_text() {
        let keys = ApiKeys::parse(&file("")).unwrap();
        let key = keys.find("open sesame").unwrap();
        assert_eq!((key.name.as_str(), key.max_subscribers), ("acme", 5000));
        assert_eq!(key.max_replay_bytes_per_second, 0);
        for invalid in ["", "open sesam", SHA256, &"a".repeat(10_000)] {
            assert_eq!(keys.find(invalid), None);
        }
        assert!(!format!("{keys:?}").contains(&SHA256[..8]));
    }

    #[test]
    fn errors_name_the_fault_in_the_file() {
        for (text, words) in [
            (file("max_subscriber = 1"), "unknown field `max_subscriber`"),
            (file("[other]"), "unknown field `other`"),
            (file("").replace("41ef", "41eg"), "64 hexadecimal digits"),
            (file(&file("")), "same sha256"),
            ("[[key]]\nname = \"acme\"".to_owned(), "missing field"),
        ] {
            let error = ApiKeys::parse(&text).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = ApiKeys::load(Path::new("/nowhere/keys.toml")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/keys.toml"), "{error}");
    }
}
