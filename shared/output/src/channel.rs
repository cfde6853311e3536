//! The file descriptors that lines go to. Any of them may be a pipe with no reader, a full disk or a closed terminal.

use std::io::{self, Stderr, Stdout};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{retry_on_intr, write};

/// How long one line waits for a reader that has kept up so far. A reader that fell behind gets no second wait until it
/// catches up.
const PATIENCE: Duration = Duration::from_millis(50);
/// The size up to which a pipe that polls as writable takes a write without blocking.
const PIECE: usize = 4096;

/// This process's stderr.
pub fn stderr() -> &'static Channel<Stderr> {
    static STDERR: LazyLock<Channel<Stderr>> = LazyLock::new(|| Channel::to(io::stderr()));
    &STDERR
}

/// This process's stdout.
pub fn stdout() -> &'static Channel<Stdout> {
    static STDOUT: LazyLock<Channel<Stdout>> = LazyLock::new(|| Channel::to(io::stdout()));
    &STDOUT
}

/// Writes lines as long as that is possible, and counts the lines that are lost.
#[derive(Debug)]
pub struct Channel<F> {
    to: F,
    state: Mutex<State>,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// The last line was cut off: the next write starts a new line first.
    is_torn: bool,
    /// The reader was behind at the last write.
    is_stuck: bool,
}

impl<F: AsFd> Channel<F> {
    /// A channel to a file, a pipe, a socket or a terminal. Its blocking mode stays as it is, since other processes may
    /// share it.
    pub fn to(to: F) -> Self {
        Self {
            to,
            state: Mutex::default(),
            lost: AtomicU64::new(0),
        }
    }

    /// Writes one line that ends with a line feed, or drops it.
    pub fn write(&self, line: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_torn {
            state.is_torn = self.pieces(b"\n", &mut state.is_stuck) == 0;
        }
        let written = if state.is_torn {
            0
        } else {
            self.pieces(line, &mut state.is_stuck)
        };
        if written < line.len() {
            state.is_torn |= written > 0;
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The number of lines that were dropped.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Returns how many of the bytes were written.
    fn pieces(&self, bytes: &[u8], is_stuck: &mut bool) -> usize {
        let mut written = 0;
        while let Some(piece) = bytes[written..].chunks(PIECE).next() {
            let patience = if *is_stuck { Duration::ZERO } else { PATIENCE };
            *is_stuck = !self.is_ready(patience);
            if *is_stuck {
                break;
            }
            match retry_on_intr(|| write(&self.to, piece)) {
                Ok(more) if more > 0 => written += more,
                _ => break,
            }
        }
        written
    }

    /// Whether a write would not block. A descriptor that fails at once does not block either.
    fn is_ready(&self, patience: Duration) -> bool {
        let mut asked = [PollFd::new(&self.to, PollFlags::OUT)];
        let patience = Timespec {
            tv_sec: 0,
            tv_nsec: patience.subsec_nanos().into(),
        };
        retry_on_intr(|| poll(&mut asked, Some(&patience))).is_ok_and(|ready| ready > 0)
    }
}

#[cfg(test)]
mod tests;
