//! Errors that stop an edge node.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use fanjet_http::TlsError;
use fanjet_log::LogError;
use fanjet_runtime::TaskError;
use fanjet_service::Failure;
use thiserror::Error;

/// A failure that ends the node. Client errors never appear here, nor does a temporarily unavailable log, which the node waits
/// for.
#[derive(Debug, Error)]
pub enum EdgeError {
    /// The address is in use or not permitted. The operator must fix it.
    #[error("invalid setting edge.http.listen: cannot listen on {addr}: {source}")]
    Listen {
        /// The configured address.
        addr: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The collections of the pool are invalid. The operator must fix them.
    #[error("invalid setting edge.tail.collections: {0}")]
    Pool(String),
    /// The zstd dictionary or level is unusable. The operator must fix it.
    #[error("invalid setting {key}: {reason}")]
    Compression {
        /// The setting.
        key: &'static str,
        /// The value and why it is invalid.
        reason: String,
    },
    /// The file with API keys is unusable. The operator must fix it.
    #[error("invalid setting {key}: {}: {reason}", path.display())]
    ApiKeys {
        /// The setting.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it is unusable.
        reason: String,
    },
    /// The certificate or its key is unusable. The operator must fix it.
    #[error("invalid setting {setting}: {source}", setting = setting(source))]
    Tls {
        /// The cause.
        #[from]
        source: TlsError,
    },
    /// The address of the upstream's HTTP interface is invalid. The operator must fix it.
    #[error(
        "invalid setting {key}: {value:?} (allowed: http://HOST or https://HOST, without a path; or nothing)"
    )]
    UpstreamUrl {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// No HTTP client can be made.
    #[error("cannot make an HTTP client: {0}")]
    UpstreamClient(String),
    /// Only one of the two files is set. The operator must fix it.
    #[error(
        "invalid setting edge.http.{empty}: empty, while edge.http.{set} is set (allowed: both files, or neither)"
    )]
    HalfTls {
        /// The setting that is present.
        set: &'static str,
        /// The setting that is missing.
        empty: &'static str,
    },
    /// The drain settings contradict each other. The operator must fix them.
    #[error(
        "invalid setting edge.drain.spread: {spread:?} (allowed: at most edge.drain.deadline, which is {deadline:?} and must be whole seconds)"
    )]
    Drain {
        /// The time over which closes are spread.
        spread: Duration,
        /// How long closing may take.
        deadline: Duration,
    },
    /// The log is damaged or misconfigured; continuing would serve wrong data.
    #[error("cannot follow the log: {0}")]
    Log(#[source] LogError),
    /// The HTTP server failed.
    #[error("the HTTP server failed: {0}")]
    Server(#[source] io::Error),
    /// A task of the node failed.
    #[error(transparent)]
    Task(#[from] TaskError),
}

fn setting(error: &TlsError) -> &'static str {
    match error.is_key {
        true => "edge.http.tls_key",
        false => "edge.http.tls_certificate",
    }
}

impl EdgeError {
    /// Whether a restart can help without an operator's action.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Server(_) => true,
            Self::Log(failure) => failure.is_retryable(),
            Self::Listen { .. }
            | Self::Pool(_)
            | Self::Compression { .. }
            | Self::ApiKeys { .. }
            | Self::Tls { .. }
            | Self::HalfTls { .. }
            | Self::UpstreamUrl { .. }
            | Self::UpstreamClient(_)
            | Self::Drain { .. }
            | Self::Task(_) => false,
        }
    }
}

impl From<EdgeError> for Failure {
    fn from(error: EdgeError) -> Self {
        match error {
            EdgeError::Listen { .. }
            | EdgeError::Pool(_)
            | EdgeError::Compression { .. }
            | EdgeError::ApiKeys { .. }
            | EdgeError::Tls { .. }
            | EdgeError::HalfTls { .. }
            | EdgeError::UpstreamUrl { .. }
            | EdgeError::Drain { .. } => Self::config(error),
            EdgeError::Log(error) => error.into(),
            _ => Self::other(error),
        }
    }
}
