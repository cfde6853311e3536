//! Where a labeler is, and the connection to it.
//!
//! A labeler chooses what its DID document says, so a document must not make this process connect to its own network: TLS and
//! public addresses only, unless the settings allow more. What an operator writes into the settings is trusted. Redirects are
//! not followed: no labeler needs one, and each would be another address to check.

use std::sync::Arc;
use std::time::Duration;

use fanjet_did_web::{Resolver, public_addresses};
use fanjet_firehose::seq_at_beginning;
use fanjet_log::{Labeler, LabelsConfig, MAX_FRAME};
use fanjet_verify::{LabelerDocument, labeler};
use fanjet_websocket::tungstenite::Error;
use fanjet_websocket::{Socket, TcpAt, connect, connect_over};
use tokio::time::timeout;
use url::Url;

use crate::IngestError;
use crate::verify::DidDocuments;

/// The path of the stream.
const PATH: &str = "/xrpc/com.atproto.label.subscribeLabels";
/// Most labelers: each costs a connection, and the memory of two of its largest frames.
const MOST: usize = 1_000;

/// Why a labeler cannot be reached, with the metric label.
#[derive(Debug)]
pub(super) struct Unreachable {
    pub(super) reason: &'static str,
    pub(super) detail: String,
}

impl Unreachable {
    pub(super) fn new(reason: &'static str, detail: impl ToString) -> Self {
        let detail = detail.to_string();
        Self { reason, detail }
    }
}

/// Finds labelers, and connects to them.
#[derive(Debug, Clone)]
pub(super) struct Endpoints {
    pub(super) documents: Arc<dyn DidDocuments>,
    pub(super) is_private_allowed: bool,
}

/// Checks what the types of the settings cannot say.
///
/// # Errors
/// [`IngestError::Config`].
pub(super) fn validate(labels: &LabelsConfig) -> Result<(), IngestError> {
    let wrong = |reason| {
        let key = "labels.labelers";
        Err(IngestError::Config { key, reason })
    };
    let count = labels.labelers.len();
    if count > MOST {
        return wrong(format!("{count} of them (allowed: {MOST})"));
    }
    if labels.dids().len() < count {
        return wrong("a DID is listed more than once".to_owned());
    }
    for labeler in &labels.labelers {
        if let Some(url) = &labeler.url
            && stream_of(url).is_none()
        {
            return wrong(format!(
                "{url:?} is no labeler (allowed: wss://HOST, ws://HOST, https://HOST, http://HOST)"
            ));
        }
    }
    Ok(())
}

/// The URL of the stream at an endpoint, without a cursor.
fn stream_of(endpoint: &str) -> Option<Url> {
    let mut url = Url::parse(endpoint).ok().filter(Url::has_host)?;
    let scheme = match url.scheme() {
        "wss" | "https" => "wss",
        "ws" | "http" => "ws",
        _ => return None,
    };
    url.set_scheme(scheme).ok()?;
    url.set_path(PATH);
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

impl Endpoints {
    /// What the labeler's document says.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub(super) async fn document(&self, of: &Labeler) -> Result<LabelerDocument, Unreachable> {
        let did = of.did.as_str();
        let found = self.documents.get(did).await;
        let document = found.map_err(|error| Unreachable::new("directory", error))?;
        let missing = || Unreachable::new("no_document", "no DID document");
        labeler(did, &document.ok_or_else(missing)?)
            .map_err(|error| Unreachable::new("no_document", error))
    }

    /// Connects, with a cursor.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub(super) async fn connect(
        &self,
        of: &Labeler,
        document: Option<&LabelerDocument>,
        cursor: Option<u64>,
        patience: Duration,
    ) -> Result<Socket, Unreachable> {
        let named = document.and_then(|document| document.endpoint.as_deref());
        let is_trusted = of.url.is_some() || self.is_private_allowed;
        let endpoint = of.url.as_deref().or(named);
        let endpoint = endpoint
            .ok_or_else(|| Unreachable::new("no_endpoint", "the DID document has no labeler"))?;
        let mut url = stream_of(endpoint)
            .ok_or_else(|| Unreachable::new("no_endpoint", format!("{endpoint:?} is no URL")))?;
        if let Some(cursor) = cursor {
            let mut query = url.query_pairs_mut();
            query.append_pair("cursor", &cursor.to_string());
        }
        let connecting = async {
            if is_trusted {
                return connect(&url, MAX_FRAME, seq_at_beginning)
                    .await
                    .map_err(refused);
            }
            let addresses = TcpAt(public(&url).await?);
            connect_over(&addresses, &url, MAX_FRAME, seq_at_beginning)
                .await
                .map_err(refused)
        };
        let late = |_| Unreachable::new("timeout", format!("no response within {patience:?}"));
        timeout(patience, Box::pin(connecting))
            .await
            .map_err(late)?
    }
}

/// The addresses of a host that a labeler named.
async fn public(url: &Url) -> Result<Vec<std::net::SocketAddr>, Unreachable> {
    let forbidden = |why: &str| Unreachable::new("forbidden", format!("{url}: {why}"));
    if url.scheme() != "wss" {
        return Err(forbidden("not encrypted"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(forbidden("it has a user"));
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(forbidden("it has no host"));
    };
    let found = public_addresses(&Resolver::system(), host, port).await;
    let found = found.map_err(|error| Unreachable::new("dns", error))?;
    match found.is_empty() {
        true => Err(forbidden("no public address")),
        false => Ok(found),
    }
}

fn refused(error: Error) -> Unreachable {
    match error {
        Error::Http(response) => match response.status().as_u16() {
            200..300 => Unreachable::new("no_upgrade", response.status()),
            300..400 => Unreachable::new("redirect", response.status()),
            _ => Unreachable::new("http_status", response.status()),
        },
        Error::Tls(error) => Unreachable::new("tls", error),
        Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Unreachable::new("tls", error)
        }
        error => Unreachable::new("connect", error),
    }
}

#[cfg(test)]
mod tests;
