//! What stops an edge node.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use fanjet_http::TlsError;
use fanjet_log::LogError;
use fanjet_runtime::TaskError;
use fanjet_service::Failure;
use thiserror::Error;

/// A failure that ends the node. What a client does wrong never comes here, nor does a log that is away for a
/// while: the node waits for it.
#[derive(Debug, Error)]
pub enum EdgeError {
    /// The address cannot be listened on: taken, or not allowed. The operator's to fix.
    #[error("wrong setting edge.http.listen: cannot listen on {addr}: {source}")]
    Listen {
        /// The configured address.
        addr: SocketAddr,
        /// The system's answer.
        source: io::Error,
    },
    /// The collections of the pool cannot be understood. The operator's to fix.
    #[error("edge.tail.collections: {0}")]
    Pool(String),
    /// The zstd dictionary or level cannot be used. The operator's to fix.
    #[error("{key}: {reason}")]
    Compression {
        /// The setting.
        key: &'static str,
        /// Its value and what is wrong with it.
        reason: String,
    },
    /// The file of keys cannot be used. The operator's to fix.
    #[error("wrong setting {key}: {}: {reason}", path.display())]
    ApiKeys {
        /// The setting.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate or its key cannot be used. The operator's to fix.
    #[error("wrong setting {setting}: {source}", setting = setting(source))]
    Tls {
        /// What is wrong.
        #[from]
        source: TlsError,
    },
    /// One of both is missing. The operator's to fix.
    #[error(
        "wrong setting edge.http.{empty}: it is empty and edge.http.{set} is not (allowed: both files, or neither)"
    )]
    HalfTls {
        /// The one that is there.
        set: &'static str,
        /// The one that is not.
        empty: &'static str,
    },
    /// The node could not end in the way that is asked for. The operator's to fix.
    #[error(
        "edge.drain.spread is {spread:?}, edge.drain.deadline is {deadline:?}: the spread must not be longer than the deadline, which counts whole seconds"
    )]
    Drain {
        /// Over which time the closes are spread.
        spread: Duration,
        /// How long closing may take.
        deadline: Duration,
    },
    /// The log is damaged or set up wrongly; going on would serve wrong data.
    #[error("cannot follow the log: {0}")]
    Log(#[source] LogError),
    /// The HTTP server broke.
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
    /// Whether starting again can help without anybody acting.
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
            | EdgeError::Drain { .. } => Self::config(error),
            EdgeError::Log(error) => error.into(),
            _ => Self::other(error),
        }
    }
}
