//! Why a swarm cannot do what it was asked for.

use thiserror::Error;

/// Nothing here is worth another try without changing something first.
#[derive(Debug, Error)]
pub enum SwarmError {
    /// The caller's: not an address to connect to.
    #[error("cannot use {0}: {1}")]
    Target(String, String),
    /// The caller's: what is asked for makes no sense.
    #[error("{0}")]
    Plan(String),
    /// The machine's: too few files may be open.
    #[error(
        "{needed} files must be open at one time and the system allows {allowed}: raise the hard limit (ulimit -Hn), or spread the connections over more processes (--processes)"
    )]
    OpenFiles {
        /// How many connections there will be, and some.
        needed: u64,
        /// The hard limit.
        allowed: u64,
    },
    /// The server's: it let nobody in, or showed nothing.
    #[error("{0}")]
    Server(String),
    /// The system's.
    #[error("{0}")]
    Io(&'static str, #[source] std::io::Error),
    /// Ours: a thread of the swarm has ended by a defect.
    #[error("a thread of the swarm panicked")]
    Panicked,
}
