//! One accepted connection, by a file descriptor of its own.
//!
//! Whoever serves the connection has another one for it. This one is closed when the last [`Socket`] of it is
//! dropped and never before, so nothing that is done here can meet a number that the system has given to another
//! connection meanwhile.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;
use tokio::time::Instant;
use tracing::debug;

/// A connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    is_stalled: AtomicBool,
    /// Since when it is to end.
    ending: OnceLock<Instant>,
}

impl Socket {
    /// Another handle on the connection of `stream`.
    ///
    /// # Errors
    /// Those of the system, above all that there are too many open files.
    pub(crate) fn of(stream: &impl AsFd) -> io::Result<Self> {
        let stream = SockRef::from(stream).try_clone()?.into();
        Ok(Self {
            stream,
            is_stalled: AtomicBool::new(false),
            ending: OnceLock::new(),
        })
    }

    /// Which of these would not take a byte now. A connection that has ended is none of them: its end is to be found by
    /// writing.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn full<T>(
        sockets: &[T],
        socket: impl Fn(&T) -> &Self,
    ) -> io::Result<impl Iterator<Item = &T>> {
        let fds = sockets.iter().map(|it| &socket(it).stream);
        let mut fds: Vec<_> = fds.map(|fd| PollFd::new(fd, PollFlags::OUT)).collect();
        poll(&mut fds, Some(&Timespec::default()))?;
        let sockets = sockets.iter().zip(fds);
        Ok(sockets.filter_map(|(socket, fd)| fd.revents().is_empty().then_some(socket)))
    }

    /// Ends when there is room, or when the connection has ended. Watched by the runtime's own handle on it.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) async fn room(&self) -> io::Result<()> {
        let watched = tokio::net::TcpStream::from_std(self.stream.try_clone()?)?;
        watched.writable().await
    }

    /// Ends a connection whose client takes nothing. What was not sent is forgotten: it would stay in the system for
    /// minutes.
    pub(crate) fn cut_off(&self) {
        self.is_stalled.store(true, Ordering::Relaxed);
        let forgotten = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        if let Err(error) = forgotten {
            debug!(%error, "a connection that ended by itself");
        }
        self.shut();
    }

    /// Whether it was [cut off](Socket::cut_off).
    pub(crate) fn is_stalled(&self) -> bool {
        self.is_stalled.load(Ordering::Relaxed)
    }

    /// Nothing more will be written: what is left for the client to do is to read the rest and to go.
    pub(crate) fn ends(&self, now: Instant) {
        self.ending.get_or_init(|| now);
    }

    /// Since when it [is to end](Socket::ends).
    pub(crate) fn ending_since(&self) -> Option<Instant> {
        self.ending.get().copied()
    }

    /// Ends the connection in both directions, whoever else has a handle on it.
    pub(crate) fn shut(&self) {
        if let Err(error) = self.stream.shutdown(Shutdown::Both) {
            debug!(%error, "a connection that ended by itself");
        }
    }
}
