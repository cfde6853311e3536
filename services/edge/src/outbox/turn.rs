//! Two may write to one socket: the hub, and the server.

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

/// Where a socket takes bytes at once.
pub trait Line: Debug {
    /// Writes a beginning of `bytes`, as much as is taken without waiting.
    ///
    /// # Errors
    /// Those of the system, also when nothing is taken.
    fn write_now(&self, bytes: &[u8]) -> io::Result<usize>;
}

/// Whose turn it is to write to a socket.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// `None`: the server writes everything.
    pub(super) line: Option<Arc<dyn Line>>,
    /// The server has nothing left to write.
    pub(super) is_hubs: bool,
}
