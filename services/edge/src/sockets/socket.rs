//! One accepted connection, with its own file descriptor.
//!
//! The task that serves the connection has another descriptor. This one is closed when its last [`Socket`] is dropped and
//! never before, so operations here cannot hit a descriptor number that the kernel has reused.

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
    /// When its closing began.
    ending: OnceLock<Instant>,
}

impl Socket {
    /// A second handle on the connection of `stream`.
    ///
    /// # Errors
    /// I/O errors, above all too many open files.
    pub(crate) fn of(stream: &impl AsFd) -> io::Result<Self> {
        let stream = SockRef::from(stream).try_clone()?.into();
        Ok(Self {
            stream,
            is_stalled: AtomicBool::new(false),
            ending: OnceLock::new(),
        })
    }

    /// The sockets that would not accept a byte now. Ended connections are not included: writing to them reveals the end.
    ///
    /// # Errors
    /// I/O errors.
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

    /// Completes when the socket has room or the connection has ended. Uses its own registration with the runtime.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) async fn room(&self) -> io::Result<()> {
        let watched = tokio::net::TcpStream::from_std(self.stream.try_clone()?)?;
        watched.writable().await
    }

    /// Disconnects a client that reads nothing. Unsent data is discarded: the kernel would keep it for minutes.
    pub(crate) fn cut_off(&self) {
        self.is_stalled.store(true, Ordering::Relaxed);
        let forgotten = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        if let Err(error) = forgotten {
            debug!(%error, "the connection has already ended");
        }
        self.shut();
    }

    /// Whether it was [cut off](Socket::cut_off).
    pub(crate) fn is_stalled(&self) -> bool {
        self.is_stalled.load(Ordering::Relaxed)
    }

    /// Notes that nothing more will be written: the client only has to read the rest and disconnect.
    pub(crate) fn ends(&self, now: Instant) {
        self.ending.get_or_init(|| now);
    }

    /// When its [closing](Socket::ends) began.
    pub(crate) fn ending_since(&self) -> Option<Instant> {
        self.ending.get().copied()
    }

    /// Shuts the connection down in both directions, for all handles.
    pub(crate) fn shut(&self) {
        if let Err(error) = self.stream.shutdown(Shutdown::Both) {
            debug!(%error, "the connection has already ended");
        }
    }
}
