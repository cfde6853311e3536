//! Section `[ingest.filter]`: what is kept at all.

use std::path::PathBuf;

use fanjet_config::list;
use serde::{Deserialize, Serialize};

use crate::IngestError;
use crate::filter::IngestFilter;

/// Section `[ingest.filter]`. Empty lists keep everything.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterConfig {
    /// Collections and prefixes, as in `wantedCollections`.
    #[serde(deserialize_with = "list")]
    pub collections: Vec<String>,
    /// Repos.
    #[serde(deserialize_with = "list")]
    pub dids: Vec<String>,
    /// A file with more of them, one a line; empty for none.
    pub dids_file: PathBuf,
    /// `commit`, `identity`, `account`, `sync`.
    #[serde(deserialize_with = "list")]
    pub kinds: Vec<String>,
}

impl FilterConfig {
    /// Reads the file, if there is one, and checks everything.
    ///
    /// # Errors
    /// [`IngestError::Config`] naming the bad value, the limit that was passed, or what is wrong with the file.
    pub fn load(&self) -> Result<IngestFilter, IngestError> {
        let mut dids = self.dids.clone();
        if !self.dids_file.as_os_str().is_empty() {
            let text =
                std::fs::read_to_string(&self.dids_file).map_err(|error| IngestError::Config {
                    key: "ingest.filter.dids_file",
                    reason: format!("{}: {error}", self.dids_file.display()),
                })?;
            let lines = text.lines().map(str::trim);
            dids.extend(
                lines
                    .filter(|line| !line.is_empty() && !line.starts_with('#'))
                    .map(str::to_owned),
            );
            if dids.is_empty() {
                // No DID at all would keep everything: hardly what a list of DIDs is for.
                return Err(IngestError::Config {
                    key: "ingest.filter.dids_file",
                    reason: format!("{}: it names no DID", self.dids_file.display()),
                });
            }
        }
        IngestFilter::new(&self.collections, &dids, &self.kinds)
    }
}
