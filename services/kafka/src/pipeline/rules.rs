//! What the settings make of events.

use crate::KafkaError;
use crate::broker::Routes;
use crate::config::KafkaConfig;
use crate::filter::Wanted;
use crate::format::Format;

/// What does not change between sessions.
#[derive(Clone)]
pub(super) struct Rules {
    pub(super) format: Format,
    pub(super) headers: bool,
    pub(super) wanted: Wanted,
    pub(super) routes: Routes,
}

impl Rules {
    pub(super) fn new(config: &KafkaConfig) -> Result<Self, KafkaError> {
        Ok(Self {
            format: Format::new(&config.format),
            headers: config.format.headers,
            wanted: Wanted::new(config)?,
            routes: Routes::new(config),
        })
    }
}
