//! DID documents over HTTP.
//!
//! A did:web names a host that a stranger chose: it is asked as `fanjet-did-web` asks strangers, and no more is read than
//! a document may have.

use fanjet_did_web::{Reach, Resolver, document_url, within, within_by};
use reqwest::{Client, ClientBuilder};
use url::Url;

use crate::fetch::{NoAnswer, below, fetch};
use crate::who::Who;

/// A DID document is some hundred bytes.
const MAX_DOCUMENT: usize = 64 << 10;

/// Where the documents of did:web are.
#[derive(Debug)]
pub enum Web {
    /// On the hosts that the DIDs name, as far as they may be asked.
    Hosts(Reach, Resolver),
    /// All below one URL.
    Directory(Url),
}

/// The PLC directory, and who has the documents of did:web.
#[derive(Debug)]
pub struct Documents {
    /// For directories, which the operator names.
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
    /// Every client is made of what `builder` returns.
    ///
    /// # Errors
    /// When there is no HTTP client.
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
                    // Where this machine's own names count, its own resolver does.
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

    /// The document of a DID; `None` when there is none, or nobody may be asked.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn of(&self, did: &str) -> Result<Option<Vec<u8>>, NoAnswer> {
        match Who::knows(did) {
            Who::Plc => self.directory(did, MAX_DOCUMENT).await,
            Who::Web => self.of_web(did).await,
            Who::Nobody => Ok(None),
        }
    }

    /// What the PLC directory has under a path, up to so many bytes.
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
