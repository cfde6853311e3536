//! DID documents over HTTP.
//!
//! A did:web names a host that a stranger chose: it is asked as `fanjet-did-web` asks strangers, and no more is read than
//! a document may have.

use fanjet_did_web::{Reach, document_url, within};
use fanjet_event::Did;
use futures::future::BoxFuture;
use reqwest::{Client, StatusCode};
use thiserror::Error;
use url::Url;

use super::config::{VerifyConfig, base_url};
use crate::IngestError;

/// A DID document is some hundred bytes.
const MAX_DOCUMENT: usize = 64 << 10;

/// Who knows DID documents.
pub(super) trait DidDocuments: std::fmt::Debug + Send + Sync {
    /// The document of a DID; `None` when there is none.
    fn get<'a>(&'a self, did: &'a Did) -> BoxFuture<'a, Result<Option<Vec<u8>>, NoAnswer>>;
}

/// A directory or host did not answer as it should. Asking later can help.
#[derive(Debug, Error)]
pub(super) enum NoAnswer {
    /// No connection, or it broke.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// An answer that is neither a document nor a plain no.
    #[error("the directory answered {0}")]
    Status(StatusCode),
    /// More bytes than a document may have.
    #[error("the document is too large")]
    TooLarge,
}

/// The PLC directory, and the hosts of did:web.
#[derive(Debug)]
pub(super) struct HttpDocuments {
    plc: (Client, Url),
    /// Without a URL the DID says where.
    web: (Client, Option<Url>),
}

impl HttpDocuments {
    /// # Errors
    /// [`IngestError::Config`] when a URL cannot be used.
    pub(super) fn new(config: &VerifyConfig) -> Result<Self, IngestError> {
        let plain = || {
            Client::builder()
                .user_agent(concat!("fanjet-ingest/", env!("CARGO_PKG_VERSION")))
                .timeout(config.lookup_timeout)
        };
        let build = |reach| {
            within(reach, plain())
                .build()
                .map_err(|error| IngestError::Task(format!("no HTTP client: {error}")))
        };
        let web = if config.web_url.is_empty() {
            (build(Reach::Public)?, None)
        } else {
            let url = base_url("pipeline.verify.web_url", &config.web_url)?;
            (build(Reach::Private)?, Some(url))
        };
        let plc_url = base_url("pipeline.verify.plc_url", &config.plc_url)?;
        Ok(Self {
            plc: (build(Reach::Private)?, plc_url),
            web,
        })
    }
}

impl DidDocuments for HttpDocuments {
    fn get<'a>(&'a self, did: &'a Did) -> BoxFuture<'a, Result<Option<Vec<u8>>, NoAnswer>> {
        Box::pin(async move {
            let did = did.as_str();
            if did.starts_with("did:plc:") {
                let (client, base) = &self.plc;
                return fetch(client, below(base, did)).await;
            }
            let (client, base) = &self.web;
            match (base, document_url(did, Reach::Public)) {
                (_, None) => Ok(None),
                (Some(base), Some(_)) => fetch(client, below(base, did)).await,
                (None, Some(url)) => fetch(client, url).await,
            }
        })
    }
}

/// `<base>/<did>`.
fn below(base: &Url, did: &str) -> Url {
    let mut url = base.clone();
    let path = format!("{}/{did}", base.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

async fn fetch(client: &Client, url: Url) -> Result<Option<Vec<u8>>, NoAnswer> {
    let mut response = client.get(url).send().await?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
        status => return Err(NoAnswer::Status(status)),
    }
    let mut document = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if document.len() + chunk.len() > MAX_DOCUMENT {
            return Err(NoAnswer::TooLarge);
        }
        document.extend_from_slice(&chunk);
    }
    Ok(Some(document))
}
