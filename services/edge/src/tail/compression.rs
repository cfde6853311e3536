//! Compression of events.

use std::path::Path;
use std::sync::Arc;

use fanjet_dictionaries::Dictionary;
use fanjet_wire::zstd::{Compressor, DEFAULT_LEVEL, ZstdError};

use crate::EdgeError;
use crate::config::ZstdConfig;

/// Dictionaries and a level that are known to go together. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Compression {
    /// `None`: the built-in one.
    v1: Option<Arc<Dictionary>>,
    /// `None`: the built-in one.
    v2: Option<Arc<Dictionary>>,
    /// What clients of v2 may still have.
    v2_previous: Option<Arc<Dictionary>>,
    level: i32,
}

/// What a dictionary is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DictionaryRole {
    V1,
    V2,
    V2Previous,
}

impl DictionaryRole {
    pub(super) const COUNT: usize = 3;
}

/// The built-in dictionaries at the usual level.
impl Default for Compression {
    fn default() -> Self {
        Self {
            v1: None,
            v2: None,
            v2_previous: None,
            level: DEFAULT_LEVEL,
        }
    }
}

impl Compression {
    /// Loads and tests the dictionary.
    ///
    /// # Errors
    /// [`EdgeError::Compression`] with the setting, its value and why it is invalid.
    pub fn load(config: &ZstdConfig) -> Result<Self, EdgeError> {
        let settings = [
            (
                DictionaryRole::V1,
                "edge.zstd.dictionary",
                &config.dictionary,
            ),
            (
                DictionaryRole::V2,
                "edge.zstd.v2_dictionary",
                &config.v2_dictionary,
            ),
            (
                DictionaryRole::V2Previous,
                "edge.zstd.v2_previous_dictionary",
                &config.v2_previous_dictionary,
            ),
        ];
        let [v1, v2, v2_previous] = settings.map(|(_, key, path)| read(key, path));
        let compression = Self {
            v1: v1?,
            v2: v2?,
            v2_previous: v2_previous?,
            level: config.level,
        };
        for (role, key, path) in settings {
            match compression.compressor(role) {
                Ok(_) => {}
                Err(error @ ZstdError::Level { .. }) => {
                    return Err(refused("edge.zstd.level", error.to_string()));
                }
                Err(error) => {
                    return Err(refused(key, format!("{}: {error}", path.display())));
                }
            }
        }
        if let [current, previous] = &*compression.v2_dictionaries()
            && current.id() == previous.id()
        {
            let reason = format!(
                "{} has the id {} of the current dictionary (allowed: another id, or \"\")",
                config.v2_previous_dictionary.display(),
                current.id()
            );
            return Err(refused("edge.zstd.v2_previous_dictionary", reason));
        }
        Ok(compression)
    }

    /// The dictionaries that clients of v2 can fetch, the current one first.
    pub(crate) fn v2_dictionaries(&self) -> Vec<&Dictionary> {
        let current = self.dictionary(DictionaryRole::V2);
        [current]
            .into_iter()
            .chain(self.v2_previous.as_deref())
            .collect()
    }

    /// A compressor for one thread.
    pub(crate) fn compressor(&self, role: DictionaryRole) -> Result<Compressor, ZstdError> {
        Compressor::new(self.dictionary(role).bytes(), self.level)
    }

    /// Without a previous dictionary no client asks for it, and the current one takes its place.
    fn dictionary(&self, role: DictionaryRole) -> &Dictionary {
        let v2 = || {
            self.v2
                .as_deref()
                .unwrap_or_else(|| fanjet_dictionaries::v2())
        };
        match role {
            DictionaryRole::V1 => self
                .v1
                .as_deref()
                .unwrap_or_else(|| fanjet_dictionaries::v1()),
            DictionaryRole::V2 => v2(),
            DictionaryRole::V2Previous => self.v2_previous.as_deref().unwrap_or_else(v2),
        }
    }
}

fn read(key: &'static str, path: &Path) -> Result<Option<Arc<Dictionary>>, EdgeError> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    match Dictionary::from_file(path) {
        Ok(dictionary) => Ok(Some(Arc::new(dictionary))),
        Err(error) => Err(refused(key, error.to_string())),
    }
}

fn refused(key: &'static str, reason: String) -> EdgeError {
    EdgeError::Compression { key, reason }
}

#[cfg(test)]
mod tests;
