//! Errors outside the simulated world.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// An error of the simulator. Only [`SimulatorError::Listen`] is temporary.
#[derive(Debug, Error)]
pub enum SimulatorError {
    /// The caller requested an impossible world.
    #[error("configuration: {0}")]
    Config(String),
    /// The address cannot be used.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// A file cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A recording is damaged.
    #[error("{}: frame {frame}: {reason}", path.display())]
    Recording {
        /// The file.
        path: PathBuf,
        /// The frame, counted from 0.
        frame: usize,
        /// The cause.
        reason: String,
    },
    /// A thread cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The world generated an invalid name: a bug here.
    #[error("the world generated an invalid name")]
    Name(#[from] fanjet_event::Invalid),
}

impl SimulatorError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Listen { .. })
    }
}
