//! Compression of events.

use std::path::Path;
use std::sync::Arc;

use fanjet_dictionaries::Dictionary;
use fanjet_wire::zstd::{Compressor, DEFAULT_LEVEL, ZstdError};

use crate::EdgeError;
use crate::config::ZstdConfig;

/// A dictionary and a level that are known to work together. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Compression {
    /// `None`: the built-in one.
    dictionary: Option<Arc<Dictionary>>,
    level: i32,
}

/// The built-in dictionary at the default level.
impl Default for Compression {
    fn default() -> Self {
        Self {
            dictionary: None,
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
        let refused = |key, reason| EdgeError::Compression { key, reason };
        let path: &Path = &config.dictionary;
        let dictionary = if path.as_os_str().is_empty() {
            None
        } else {
            let read = Dictionary::from_file(path)
                .map_err(|error| refused("edge.zstd.dictionary", error.to_string()))?;
            Some(Arc::new(read))
        };
        let compression = Self {
            dictionary,
            level: config.level,
        };
        match compression.compressor() {
            Ok(_) => Ok(compression),
            Err(error @ ZstdError::Level { .. }) => {
                Err(refused("edge.zstd.level", error.to_string()))
            }
            Err(error) => Err(refused(
                "edge.zstd.dictionary",
                format!("{}: {error}", path.display()),
            )),
        }
    }

    /// A compressor for one thread.
    pub(crate) fn compressor(&self) -> Result<Compressor, ZstdError> {
        let dictionary = self.dictionary.as_deref();
        let dictionary = dictionary.unwrap_or_else(|| fanjet_dictionaries::v1());
        Compressor::new(dictionary.bytes(), self.level)
    }
}

#[cfg(test)]
mod tests;
