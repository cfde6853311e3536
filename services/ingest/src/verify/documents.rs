//! Where DID documents come from.

use fanjet_did_web::{Reach, Resolver};
use fanjet_identity::{Documents, NoAnswer, Web};
use futures::future::BoxFuture;
use reqwest::Client;

use crate::IngestError;
use crate::config::{VerifyConfig, base_url};

/// A source of DID documents.
pub(crate) trait DidDocuments: std::fmt::Debug + Send + Sync {
    /// The document of a DID; `None` when none exists.
    fn get<'a>(&'a self, did: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, NoAnswer>>;
}

impl DidDocuments for Documents {
    fn get<'a>(&'a self, did: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, NoAnswer>> {
        Box::pin(self.of(did))
    }
}

/// Fetches over HTTP, as the settings say.
///
/// # Errors
/// [`IngestError::Config`] when a URL is invalid.
pub(crate) fn over_http(config: &VerifyConfig) -> Result<Documents, IngestError> {
    let web = match config.web_url.as_str() {
        "" => Web::Hosts(Reach::Public, Resolver::system()),
        url => Web::Directory(base_url("ingest.verify.web_url", url)?),
    };
    let plc = base_url("ingest.verify.plc_url", &config.plc_url)?;
    let builder = || {
        Client::builder()
            .user_agent(concat!("fanjet-ingest/", env!("CARGO_PKG_VERSION")))
            .timeout(config.lookup_timeout)
    };
    let documents = Documents::new(plc, web, builder);
    documents.map_err(|error| IngestError::Task(format!("no HTTP client: {error}")))
}
