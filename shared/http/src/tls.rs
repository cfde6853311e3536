//! The server's certificate and key. Both are reloaded when their files change; existing connections keep the old ones.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use fanjet_runtime::Stop;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::time::interval;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tracing::{error, info};

/// How often the files are checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// A file that cannot be used.
#[derive(Debug, Error)]
#[error("{}: {reason}", path.display())]
pub struct TlsError {
    /// Whether it is the file of the key.
    pub is_key: bool,
    /// Its path.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<Mutex<Current>>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    files: Files,
}

/// The contents of the files, valid or not.
#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// Hides the key.
impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Files")
    }
}

impl Tls {
    /// Reads both files, in PEM.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = Files::read(certificate, key)?;
        let config = files.config(certificate, key)?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: Arc::new(Mutex::new(Current { config, files })),
        })
    }

    /// The TLS configuration of new connections.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.lock().config))
    }

    /// Checks the files; returns `true` if new connections get a new certificate. Invalid files change nothing, and
    /// return an error once.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn reload(&self) -> Result<bool, TlsError> {
        let files = Files::read(&self.certificate, &self.key)?;
        let mut current = self.current.lock();
        if current.files == files {
            return Ok(false);
        }
        let config = files.config(&self.certificate, &self.key);
        current.files = files;
        current.config = config?;
        Ok(true)
    }

    /// Reloads the files whenever they change, until `stop`.
    ///
    /// # Errors
    /// Never.
    pub async fn keep_current(self, stop: Stop) -> Result<(), Infallible> {
        let mut checks = interval(CHECK_INTERVAL);
        // Logged once per error, not at every check.
        let mut logged = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = checks.tick() => {}
            }
            match self.reload() {
                Ok(true) => {
                    logged = None;
                    info!(certificate = %self.certificate.display(), "reloaded the TLS certificate");
                }
                Ok(false) => {}
                Err(error) => {
                    let words = error.to_string();
                    if logged.as_ref() != Some(&words) {
                        error!(
                            "failed to reload the TLS certificate, keeping the old one: {words}"
                        );
                        logged = Some(words);
                    }
                }
            }
        }
    }
}

impl Files {
    fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |path: &Path, is_key| {
            fs::read(path).map_err(|error: io::Error| TlsError {
                is_key,
                path: path.to_owned(),
                reason: error.to_string(),
            })
        };
        Ok(Self {
            certificate: read(certificate, false)?,
            key: read(key, true)?,
        })
    }

    fn config(&self, certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
        let wrong = |is_key, reason: String| TlsError {
            is_key,
            path: if is_key { key } else { certificate }.to_owned(),
            reason,
        };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(false, format!("not PEM: {error}")))?;
        if chain.is_empty() {
            let words = "no certificate (allowed: PEM, the server's own first)";
            return Err(wrong(false, words.to_owned()));
        }
        let secret = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| wrong(true, format!("no private key in PEM: {error}")))?;
        let provider = Arc::new(default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder
                    .with_no_client_auth()
                    .with_single_cert(chain, secret)
            })
            .map_err(|error| {
                wrong(
                    true,
                    format!("cannot be used with {}: {error}", certificate.display()),
                )
            })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

#[cfg(test)]
mod tests;
