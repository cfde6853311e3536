//! Errors of a load test.

use thiserror::Error;

/// Retrying without a change cannot help.
#[derive(Debug, Error)]
pub enum SwarmError {
    /// The caller's: an invalid address.
    #[error("cannot use {0}: {1}")]
    Target(String, String),
    /// The caller's: an invalid combination of options.
    #[error("{0}")]
    Plan(String),
    /// The machine's: the limit on open files is too low.
    #[error(
        "the run needs {needed} open files (allowed: {allowed}): raise the hard limit (ulimit -Hn), or use more processes (--processes)"
    )]
    OpenFiles {
        /// The number of connections, plus a reserve.
        needed: u64,
        /// The hard limit.
        allowed: u64,
    },
    /// The server's: it accepted no connection, or sent nothing.
    #[error("{0}")]
    Server(String),
    /// The system's.
    #[error("{0}")]
    Io(&'static str, #[source] std::io::Error),
    /// Ours: a thread panicked.
    #[error("a worker thread panicked")]
    Panicked,
}
