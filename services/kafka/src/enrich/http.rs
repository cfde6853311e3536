//! The lookups over HTTP.

use std::time::Duration;

use fanjet_did_web::{Reach, Resolver, redirects, within, within_by};
use fanjet_identity::{Documents, NoAnswer, Web, below, fetch};
use reqwest::{Client, StatusCode};
use url::Url;

use super::handle::{self, Owner};
use crate::KafkaError;

/// The response size limit: audit logs have thousands of bytes, and profiles hundreds.
const MAX_ANSWER: usize = 256 << 10;

/// The directory, the profile API, and untrusted hosts.
#[derive(Debug)]
pub(super) struct Http {
    documents: Documents,
    api: Option<(Client, Url)>,
    handles: Client,
    resolver: Resolver,
    reach: Reach,
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
        let none = |error| KafkaError::Broken(format!("no HTTP client: {error}"));
        let web = Web::Hosts(reach, resolver.clone());
        let handles = within_by(reach, resolver.clone(), builder());
        // Each handle has its own host, so connections are not reused.
        let handles = handles
            .pool_max_idle_per_host(0)
            .redirect(redirects(reach, handle::MAX_REDIRECTS));
        let api = api.map(|api| Ok((within(Reach::Private, builder()).build()?, api)));
        Ok(Self {
            documents: Documents::new(plc, web, builder).map_err(none)?,
            api: api.transpose().map_err(none)?,
            handles: handles.build().map_err(none)?,
            resolver,
            reach,
        })
    }

    /// A DID document; `None` when none exists, or the DID names no host that may be queried.
    pub(super) async fn document(&self, did: &str) -> Result<Option<Vec<u8>>, NoAnswer> {
        self.documents.of(did).await
    }

    /// The account that a handle names; `None` when it names none.
    pub(super) async fn owner(&self, handle: &str) -> Result<Option<Owner>, NoAnswer> {
        handle::owner(handle, &self.resolver, &self.handles, self.reach).await
    }

    /// An audit log.
    pub(super) async fn audit(&self, did: &str) -> Result<Option<Vec<u8>>, NoAnswer> {
        let path = format!("{did}/log/audit");
        self.documents.directory(&path, MAX_ANSWER).await
    }

    /// A profile.
    pub(super) async fn profile(&self, did: &str) -> Result<Option<Vec<u8>>, NoAnswer> {
        let Some((client, api)) = &self.api else {
            return Ok(None);
        };
        let mut url = below(api, "xrpc/app.bsky.actor.getProfile");
        url.query_pairs_mut().append_pair("actor", did);
        match fetch(client, url, MAX_ANSWER).await {
            // A definite no, for example to a profile that was taken down.
            Err(NoAnswer::Status(StatusCode::BAD_REQUEST)) => Ok(None),
            found => found,
        }
    }
}
