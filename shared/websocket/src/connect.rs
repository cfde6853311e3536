//! Opens a WebSocket, plain or over TLS.

use std::sync::{Arc, LazyLock};

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::tungstenite::error::{Error, TlsError, UrlError};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_with_config};
use url::{Host, Url};

use crate::outbound::Outbound;
use crate::sieve::{PlaceOf, Sieve};

/// An open WebSocket.
pub type Socket = WebSocketStream<Sieve<Outbound<MaybeTlsStream<TcpStream>>>>;

/// With the same root certificates as the HTTP clients.
static TLS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let config = ClientConfig::builder().with_root_certificates(roots);
    Arc::new(config.with_no_client_auth())
});

/// Connects to a `ws` or `wss` URL. Messages above `max_message` bytes are skipped, and `place_of` extracts their seq
/// or time. There is no deadline here.
///
/// # Errors
/// [`Error`]; a response other than an upgrade is [`Error::Http`].
pub async fn connect(url: &Url, max_message: usize, place_of: PlaceOf) -> Result<Socket, Error> {
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
    let limits = WebSocketConfig::default()
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message));
    let stream = Sieve::new(Outbound::new(stream), max_message, place_of);
    let (socket, _response) = client_async_with_config(url.as_str(), stream, Some(limits)).await?;
    Ok(socket)
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
