//! What is known about accounts: `eventMetadata`.

use crate::KafkaError;
use url::Url;

/// The URL of a setting, without anything behind its path.
pub(crate) fn base_url(key: &'static str, text: &str) -> Result<Url, KafkaError> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none()
    });
    url.ok_or_else(|| KafkaError::config(key, format!("{text:?} is no URL; allowed: https://HOST")))
}
