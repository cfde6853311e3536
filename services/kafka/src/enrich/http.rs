//! The look-ups themselves.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use url::Url;

use super::is_base;
use crate::KafkaError;

/// More is not read: documents have hundreds of bytes, audit logs thousands.
const MAX_ANSWER: usize = 256 << 10;

/// Nobody answered as they should. Asking later can help.
#[derive(Debug)]
pub(super) struct NoAnswer;

/// The directory, and the API for profiles.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    plc: Url,
    api: Option<Url>,
}

/// The URL of a setting, without anything behind its path.
pub(crate) fn base_url(key: &'static str, text: &str) -> Result<Url, KafkaError> {
    let url = Url::parse(text).ok().filter(is_base);
    url.ok_or_else(|| KafkaError::config(key, format!("{text:?} is no URL; allowed: https://HOST")))
}

impl Http {
    pub(super) fn new(plc: Url, api: Option<Url>, timeout: Duration) -> Result<Self, KafkaError> {
        let client = Client::builder()
            .user_agent(concat!("fanjet-kafka/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .timeout(timeout)
            .no_proxy()
            .build()
            .map_err(|error| KafkaError::Broken(format!("no HTTP client: {error}")))?;
        Ok(Self { client, plc, api })
    }

    /// A DID document; `None` when there is none.
    pub(super) async fn document(&self, did: &str) -> Result<Option<Vec<u8>>, NoAnswer> {
        self.get(below(&self.plc, did)).await
    }

    /// An audit log.
    pub(super) async fn audit(&self, did: &str) -> Result<Option<Vec<u8>>, NoAnswer> {
        self.get(below(&self.plc, &format!("{did}/log/audit")))
            .await
    }

    /// A profile.
    pub(super) async fn profile(&self, did: &str) -> Result<Option<Vec<u8>>, NoAnswer> {
        let Some(api) = &self.api else {
            return Ok(None);
        };
        let mut url = below(api, "xrpc/app.bsky.actor.getProfile");
        url.query_pairs_mut().append_pair("actor", did);
        self.get(url).await
    }

    async fn get(&self, url: Url) -> Result<Option<Vec<u8>>, NoAnswer> {
        let sent = self.client.get(url).send().await;
        let mut response = sent.map_err(|_| NoAnswer)?;
        match response.status() {
            StatusCode::OK => {}
            // A plain no, also to a profile that was taken down.
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::BAD_REQUEST => return Ok(None),
            _ => return Err(NoAnswer),
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| NoAnswer)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Ok(None);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Some(body))
    }
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}
