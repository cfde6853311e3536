//! How a connection to a server is opened. A seam: tests bring buffers in place of TCP.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::tungstenite::error::{Error, TlsError, UrlError};
use url::{Host, Url};

/// The bytes of a connection, both ways.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

/// An opening connection.
pub type Dialing<'a> =
    Pin<Box<dyn Future<Output = Result<Box<dyn ByteStream>, Error>> + Send + 'a>>;

/// Opens connections.
pub trait Dial: Send + Sync + 'static {
    /// Opens a connection to the host of a `ws` or `wss` URL. There is no deadline here.
    fn dial<'a>(&'a self, url: &'a Url) -> Dialing<'a>;
}

/// TCP, with TLS for `wss`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tcp;

/// As [`Tcp`], to one of these addresses, whatever the URL's host resolves to.
#[derive(Debug, Clone)]
pub struct TcpAt(pub Vec<SocketAddr>);

/// With the same root certificates as the HTTP clients.
static TLS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let config = ClientConfig::builder().with_root_certificates(roots);
    Arc::new(config.with_no_client_auth())
});

impl Dial for Tcp {
    fn dial<'a>(&'a self, url: &'a Url) -> Dialing<'a> {
        Box::pin(async move {
            let stream = TcpStream::connect(address(url)?).await?;
            encrypted(stream, url).await
        })
    }
}

impl Dial for TcpAt {
    fn dial<'a>(&'a self, url: &'a Url) -> Dialing<'a> {
        Box::pin(async move {
            let stream = TcpStream::connect(&self.0[..]).await?;
            encrypted(stream, url).await
        })
    }
}

/// With TLS if the URL is one of `wss`.
async fn encrypted(stream: TcpStream, url: &Url) -> Result<Box<dyn ByteStream>, Error> {
    stream.set_nodelay(true)?;
    if url.scheme() != "wss" {
        return Ok(Box::new(stream));
    }
    let connector = TlsConnector::from(Arc::clone(&TLS));
    let stream = connector.connect(server_name(url)?, stream).await?;
    Ok(Box::new(stream))
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
