//! The subscription of a driver.

use serde::Deserialize;

/// One subscription. Neither library can change its filter while connected, so there is no update.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Spec {
    /// `ws://host:port` of the edges; both libraries know only one URL, the first.
    pub(crate) urls: Vec<String>,
    pub(crate) wanted_collections: Vec<String>,
    pub(crate) wanted_dids: Vec<String>,
    pub(crate) compress: bool,
    /// The collections of the world, for a library that needs an ingestor for each one.
    pub(crate) collections: Vec<String>,
}

impl Spec {
    pub(crate) fn endpoint(&self) -> String {
        format!("{}/subscribe", self.urls[0])
    }
}
