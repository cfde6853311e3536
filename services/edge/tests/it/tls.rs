//! TLS clients, and certificates that are replaced.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fanjet_edge::metrics::REFUSED_CONNECTIONS;
use fanjet_edge::{Edge, EdgeConfig};
use fanjet_runtime::Stop;
use futures::StreamExt;
use opentelemetry::metrics::MeterProvider;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::{FaultyLog, Node};

const POST: &str = "app.bsky.feed.post";
const CERTIFICATES: [&str; 2] = [include_str!("tls/one.pem"), include_str!("tls/two.pem")];
const KEYS: [&str; 2] = [include_str!("tls/one.key"), include_str!("tls/two.key")];

/// Installs a certificate and its key.
pub(crate) fn install(folder: &Path, which: usize) {
    fs::write(folder.join("tls.key"), KEYS[which]).unwrap();
    fs::write(folder.join("tls.pem"), CERTIFICATES[which]).unwrap();
}

pub(crate) fn use_files(config: &mut EdgeConfig, folder: &Path) {
    config.http.tls_certificate = folder.join("tls.pem");
    config.http.tls_key = folder.join("tls.key");
}

/// A connection of a client that trusts only this certificate.
pub(crate) async fn connect(
    addr: SocketAddr,
    trusted: usize,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(CERTIFICATES[trusted].as_bytes()).unwrap();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(addr).await?;
    let name = ServerName::try_from("edge.test").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

type Socket = WebSocketStream<TlsStream<TcpStream>>;

async fn subscribe(addr: SocketAddr, trusted: usize) -> Socket {
    let stream = connect(addr, trusted).await.unwrap();
    client_async("wss://edge.test/subscribe", stream)
        .await
        .unwrap()
        .0
}

async fn expect_next(node: &Node, socket: &mut Socket) {
    let entry = node.append_one(POST, "did:plc:a");
    loop {
        let message = socket.next().await.unwrap().unwrap();
        if let Ok(text) = message.to_text()
            && !text.is_empty()
        {
            assert_eq!(text.as_bytes(), &entry.body[..]);
            return;
        }
    }
}

#[tokio::test]
async fn all_paths_are_served_over_tls_only() {
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), 0);
    let node = Node::start_with(FaultyLog::new(), |config| use_files(config, folder.path())).await;
    let mut socket = subscribe(node.addr(), 0).await;
    expect_next(&node, &mut socket).await;
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}

    let mut page = connect(node.addr(), 0).await.unwrap();
    page.write_all(b"GET / HTTP/1.1\r\nHost: edge.test\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    page.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("/subscribe"), "{answer}");

    let mut plain = TcpStream::connect(node.addr()).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: edge.test\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let ended = plain.read_to_end(&mut answer).await;
    assert!(
        ended.is_err() || !answer.starts_with(b"HTTP/"),
        "{answer:?}"
    );
    node.metric_becomes(REFUSED_CONNECTIONS, Some("no_request"), 1.0)
        .await;
    assert!(
        connect(node.addr(), 1).await.is_err(),
        "another certificate"
    );
}

/// An unfinished handshake holds its connection no longer than an unfinished head.
#[tokio::test]
async fn a_handshake_has_a_deadline() {
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), 0);
    let node = Node::start_with(FaultyLog::new(), |config| {
        use_files(config, folder.path());
        config.http.handshake_timeout = Duration::from_millis(100);
    })
    .await;
    let mut silent = TcpStream::connect(node.addr()).await.unwrap();
    let mut answer = [0; 10];
    let reading = silent.read(&mut answer);
    let in_time = tokio::time::timeout(Duration::from_secs(30), reading).await;
    assert!(matches!(in_time, Ok(Ok(0) | Err(_))), "{in_time:?}");
    node.metric_becomes(REFUSED_CONNECTIONS, Some("no_request"), 1.0)
        .await;
}

#[tokio::test]
async fn a_new_certificate_is_loaded_and_connections_survive() {
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), 0);
    let node = Node::start_with(FaultyLog::new(), |config| use_files(config, folder.path())).await;
    let mut old = subscribe(node.addr(), 0).await;
    expect_next(&node, &mut old).await;
    install(folder.path(), 1);
    let reloading = async {
        while connect(node.addr(), 1).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), reloading).await;
    assert!(in_time.is_ok(), "the new certificate is never shown");
    let mut new = subscribe(node.addr(), 1).await;
    let entry = node.append_one(POST, "did:plc:a");
    for socket in [&mut old, &mut new] {
        let text = socket.next().await.unwrap().unwrap();
        assert_eq!(text.to_text().unwrap().as_bytes(), &entry.body[..]);
    }
}

#[tokio::test]
async fn unusable_files_are_named_at_startup() {
    let folder = tempfile::tempdir().unwrap();
    let pem = folder.path().join("tls.pem");
    let key = folder.path().join("tls.key");
    let refused = |adjust: &dyn Fn(&mut EdgeConfig)| {
        let mut config = EdgeConfig::default();
        config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        use_files(&mut config, folder.path());
        adjust(&mut config);
        let meter = opentelemetry_sdk::metrics::SdkMeterProvider::default().meter("test");
        let log = Arc::new(FaultyLog::new());
        let started = Edge::start(config, log, &meter, Stop::new());
        started
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let nothing = |_: &mut EdgeConfig| {};
    let words = refused(&nothing);
    assert!(
        words.starts_with("invalid setting edge.http.tls_certificate: "),
        "{words}"
    );
    assert!(words.contains(pem.to_str().unwrap()), "{words}");
    install(folder.path(), 0);
    let words = refused(&|config| config.http.tls_key = "".into());
    assert!(
        words.starts_with("invalid setting edge.http.tls_key: empty, while"),
        "{words}"
    );
    let words = refused(&|config| config.http.tls_certificate = "".into());
    assert!(
        words.starts_with("invalid setting edge.http.tls_certificate: empty, while"),
        "{words}"
    );
    fs::write(&key, KEYS[1]).unwrap();
    let words = refused(&nothing);
    assert!(
        words.starts_with("invalid setting edge.http.tls_key: "),
        "{words}"
    );
    assert!(words.contains("cannot be used with"), "{words}");
    fs::write(&key, "nonsense").unwrap();
    let words = refused(&nothing);
    assert!(words.contains("no private key in PEM"), "{words}");
    install(folder.path(), 0);
    fs::write(&pem, "nonsense").unwrap();
    let words = refused(&nothing);
    assert!(words.contains("no certificate (allowed: PEM"), "{words}");
}
