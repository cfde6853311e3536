//! The look-ups themselves.

use std::time::Duration;

use fanjet_did_web::{Reach, Resolver, document_url, redirects, within, within_by};
use reqwest::{Client, ClientBuilder, StatusCode};
use url::Url;

use super::handle::{self, Owner};
use super::is_base;
use crate::KafkaError;

/// More is not read: documents have hundreds of bytes, audit logs thousands.
const MAX_ANSWER: usize = 256 << 10;
/// Of a stranger's host.
const MAX_DOCUMENT: usize = 64 << 10;

/// Nobody answered as they should. Asking later can help.
#[derive(Debug)]
pub(super) struct NoAnswer;

/// The directory, the API for profiles, and strangers' hosts.
#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    strangers: Client,
    handles: Client,
    resolver: Resolver,
    reach: Reach,
    plc: Url,
    api: Option<Url>,
}

/// The URL of a setting, without anything behind its path.
pub(crate) fn base_url(key: &'static str, text: &str) -> Result<Url, KafkaError> {
    let url = Url::parse(text).ok().filter(is_base);
    url.ok_or_else(|| KafkaError::config(key, format!("{text:?} is no URL; allowed: https://HOST")))
}

impl Http {
    pub(super) fn new(
        plc: Url,
        api: Option<Url>,
        timeout: Duration,
        (reach, resolver): (Reach, Resolver),
    ) -> Result<Self, KafkaError> {
        let builder = || {
            Client::builder()
                .user_agent(concat!("fanjet-kafka/", env!("CARGO_PKG_VERSION")))
                .timeout(timeout)
        };
        let built = |builder: ClientBuilder| {
            let built = builder.build();
            built.map_err(|error| KafkaError::Broken(format!("no HTTP client: {error}")))
        };
        let handles = within_by(reach, resolver.clone(), builder());
        // Where this machine's own names count, its own resolver does.
        let strangers = match reach {
            Reach::Public => within_by(reach, resolver.clone(), builder()),
            Reach::Private => within(reach, builder()),
        };
        // Every handle has a host of its own: no connection is used twice.
        let handles = handles
            .pool_max_idle_per_host(0)
            .redirect(redirects(reach, handle::MAX_REDIRECTS));
        Ok(Self {
            client: built(within(Reach::Private, builder()))?,
            strangers: built(strangers)?,
            handles: built(handles)?,
            resolver,
            reach,
            plc,
            api,
        })
    }

    /// A DID document; `None` when there is none.
    pub(super) async fn document(&self, did: &str) -> Result<Option<Vec<u8>>, NoAnswer> {
        get(&self.client, below(&self.plc, did), MAX_ANSWER).await
    }

    /// A DID document from the host that a did:web names; `None` also when it names none that may be asked.
    pub(super) async fn strangers_document(&self, did: &str) -> Result<Option<Vec<u8>>, NoAnswer> {
        match document_url(did, self.reach) {
            Some(url) => get(&self.strangers, url, MAX_DOCUMENT).await,
            None => Ok(None),
        }
    }

    /// Whose a handle is; `None` when it is nobody's.
    pub(super) async fn owner(&self, handle: &str) -> Result<Option<Owner>, NoAnswer> {
        handle::owner(handle, &self.resolver, &self.handles, self.reach).await
    }

    /// An audit log.
    pub(super) async fn audit(&self, did: &str) -> Result<Option<Vec<u8>>, NoAnswer> {
        let url = below(&self.plc, &format!("{did}/log/audit"));
        get(&self.client, url, MAX_ANSWER).await
    }

    /// A profile.
    pub(super) async fn profile(&self, did: &str) -> Result<Option<Vec<u8>>, NoAnswer> {
        let Some(api) = &self.api else {
            return Ok(None);
        };
        let mut url = below(api, "xrpc/app.bsky.actor.getProfile");
        url.query_pairs_mut().append_pair("actor", did);
        get(&self.client, url, MAX_ANSWER).await
    }
}

pub(super) async fn get(
    client: &Client,
    url: Url,
    most: usize,
) -> Result<Option<Vec<u8>>, NoAnswer> {
    let sent = client.get(url).send().await;
    let mut response = sent.map_err(|_| NoAnswer)?;
    match response.status() {
        StatusCode::OK => {}
        // A plain no, also to a profile that was taken down.
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::BAD_REQUEST => return Ok(None),
        _ => return Err(NoAnswer),
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| NoAnswer)? {
        if body.len() + chunk.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}
