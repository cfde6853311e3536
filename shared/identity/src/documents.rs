//! DID documents over HTTP.
//!
//! The account's owner chooses the host in a did:web: requests to it go through `fanjet-did-web`, and the response is
//! limited to the size of a document.

use fanjet_did_web::{Reach, Resolver, document_url, within, within_by};
use reqwest::{Client, ClientBuilder};
use url::Url;

use crate::fetch::{NoAnswer, below, fetch};
use crate::who::Who;

/// A DID document has a few hundred bytes.
const MAX_DOCUMENT: usize = 64 << 10;

/// Where the documents of did:web are.
#[derive(Debug)]
pub enum Web {
    /// On the hosts that the DIDs name, as far as these are allowed.
    Hosts(Reach, Resolver),
    /// All below one URL.
    Directory(Url),
}

/// The PLC directory, and the source of did:web documents.
#[derive(Debug)]
pub struct Documents {
    /// For directories, which the operator configures.
    trusted: Client,
    plc: Url,
    web: Asked,
}

#[derive(Debug)]
enum Asked {
    Hosts(Client, Reach),
    Directory(Url),
}

impl Documents {
    /// Builds every client from the result of `builder`.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(
        plc: Url,
        web: Web,
        builder: impl Fn() -> ClientBuilder,
    ) -> Result<Self, reqwest::Error> {
        let web = match web {
            Web::Directory(url) => Asked::Directory(url),
            Web::Hosts(reach, resolver) => {
                let hosts = match reach {
                    Reach::Public => within_by(reach, resolver, builder()),
                    // Where local names are allowed, the machine's own resolver is used.
                    Reach::Private => within(reach, builder()),
                };
                Asked::Hosts(hosts.build()?, reach)
            }
        };
        Ok(Self {
            trusted: within(Reach::Private, builder()).build()?,
            plc,
            web,
        })
    }

    /// The document of a DID; `None` if there is none, or its host is not allowed.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn of(&self, did: &str) -> Result<Option<Vec<u8>>, NoAnswer> {
        match Who::knows(did) {
            Who::Plc => self.directory(did, MAX_DOCUMENT).await,
            Who::Web => self.of_web(did).await,
            Who::Unsupported => Ok(None),
        }
    }

    /// The response of the PLC directory to a path, up to a size limit.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn directory(&self, path: &str, most: usize) -> Result<Option<Vec<u8>>, NoAnswer> {
        fetch(&self.trusted, below(&self.plc, path), most).await
    }

    async fn of_web(&self, did: &str) -> Result<Option<Vec<u8>>, NoAnswer> {
        let (client, reach) = match &self.web {
            Asked::Hosts(client, reach) => (client, *reach),
            Asked::Directory(_) => (&self.trusted, Reach::Public),
        };
        let Some(url) = document_url(did, reach) else {
            return Ok(None);
        };
        let url = match &self.web {
            Asked::Hosts(..) => url,
            Asked::Directory(base) => below(base, did),
        };
        fetch(client, url, MAX_DOCUMENT).await
    }
}
