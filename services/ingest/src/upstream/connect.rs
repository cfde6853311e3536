//! Makes a WebSocket to an upstream, by way of whatever it redirects to.

mod redirect;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use fanjet_log::UpstreamId;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::tungstenite::error::{Error, TlsError, UrlError};
use tokio_tungstenite::tungstenite::http::header::LOCATION;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_with_config};
use tracing::info;
use url::{Host, Url};

use super::connection::Ended;
use super::sieve::Sieve;
use crate::config::{Endpoint, UpstreamConfig};
use crate::metrics::Disconnect;
use redirect::{Redirects, with_cursor};

/// One WebSocket, without the messages that are too long.
pub(super) type Socket = WebSocketStream<Sieve<MaybeTlsStream<TcpStream>>>;

/// With the same roots as the client for HTTP.
static TLS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let config = ClientConfig::builder().with_root_certificates(roots);
    Arc::new(config.with_no_client_auth())
});

/// Connects to upstreams.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    config: UpstreamConfig,
    /// Where each upstream was found to redirect to: it is said once, not at every connection.
    told: Arc<Mutex<HashMap<UpstreamId, Url>>>,
}

impl Connector {
    pub(super) fn new(config: UpstreamConfig) -> Self {
        Self {
            config,
            told: Arc::default(),
        }
    }

    /// Connects behind `cursor`.
    pub(super) async fn connect(
        &self,
        endpoint: &Endpoint,
        cursor: Option<u64>,
    ) -> Result<Socket, Ended> {
        let patience = self.config.connect_timeout;
        let following = Box::pin(self.follow(endpoint, cursor));
        timeout(patience, following).await.unwrap_or_else(|_late| {
            Err(Ended::new(
                Disconnect::Connect,
                format!("no answer within {patience:?}"),
            ))
        })
    }

    async fn follow(&self, endpoint: &Endpoint, cursor: Option<u64>) -> Result<Socket, Ended> {
        let mut redirects = Redirects::from(endpoint.url.clone());
        loop {
            let url = with_cursor(redirects.url(), cursor);
            let response = match self.handshake(&url).await {
                Ok(socket) => {
                    self.tell(&endpoint.id, &redirects);
                    return Ok(socket);
                }
                Err(Error::Http(response)) => response,
                Err(error) => return Err(Ended::new(Disconnect::Connect, error)),
            };
            let location = response.headers().get(LOCATION);
            let location = location.and_then(|location| location.to_str().ok());
            redirects
                .follow(response.status().as_u16(), location)
                .map_err(|why| Ended::new(Disconnect::Connect, why))?;
        }
    }

    async fn handshake(&self, url: &Url) -> Result<Socket, Error> {
        let stream = TcpStream::connect(address(url)?).await?;
        stream.set_nodelay(true)?;
        let stream = match url.scheme() {
            "wss" => MaybeTlsStream::Rustls(
                TlsConnector::from(Arc::clone(&TLS))
                    .connect(server_name(url)?, stream)
                    .await?,
            ),
            _ => MaybeTlsStream::Plain(stream),
        };
        let most = self.config.max_frame_bytes;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(most))
            .max_frame_size(Some(most));
        let sieve = Sieve::new(stream, most);
        let (socket, _response) =
            client_async_with_config(url.as_str(), sieve, Some(limits)).await?;
        Ok(socket)
    }

    fn tell(&self, upstream: &UpstreamId, redirects: &Redirects) {
        let mut told = self.told.lock();
        if !redirects.is_any() {
            told.remove(upstream);
        } else if told.get(upstream) != Some(redirects.url()) {
            told.insert(upstream.clone(), redirects.url().clone());
            info!(
                upstream = upstream.as_str(),
                to = redirects.url().as_str(),
                "the upstream redirects; consider setting upstream.url to where it does"
            );
        }
    }
}

/// Host, without the brackets of an IPv6 literal, and port.
fn address(url: &Url) -> Result<(String, u16), Error> {
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return Err(Error::Url(UrlError::NoHostName)),
    };
    let port = url.port_or_known_default();
    Ok((
        host,
        port.ok_or(Error::Url(UrlError::UnsupportedUrlScheme))?,
    ))
}

fn server_name(url: &Url) -> Result<ServerName<'static>, Error> {
    let (host, _port) = address(url)?;
    ServerName::try_from(host).map_err(|_| Error::Tls(TlsError::InvalidDnsName))
}
