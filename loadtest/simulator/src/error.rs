//! What can go wrong outside the simulated world.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// An error of the simulator. Only [`SimulatorError::Listen`] can pass by itself.
#[derive(Debug, Error)]
pub enum SimulatorError {
    /// The caller asked for a world that cannot exist.
    #[error("configuration: {0}")]
    Config(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be read or written.
    #[error("{}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A recording is damaged.
    #[error("{}: frame {frame}: {reason}", path.display())]
    Recording {
        /// The file.
        path: PathBuf,
        /// The frame, counted from 0.
        frame: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A thread cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The world has made a name that breaks the syntax: a bug here.
    #[error("the world has made a bad name")]
    Name(#[from] fanjet_event::Invalid),
}

impl SimulatorError {
    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Listen { .. })
    }
}
