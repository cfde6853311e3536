//! A TCP proxy that simulates a bad network: it forwards bytes until it is set to cut, dead or slow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

const BUFFER: usize = 64 << 10;

/// The state of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// Forwards bytes.
    Open,
    /// Closes open connections, and new ones as soon as they are accepted.
    Cut,
    /// Connections stay open, and new ones are accepted, but no byte gets through until the link is open again.
    Dead,
    /// Each piece (up to 64 KiB) is delayed by this, and the next one starts after it.
    Slow(Duration),
}

/// A local port that forwards to another one. Dropping it closes its connections.
#[derive(Debug)]
pub struct Link {
    port: u16,
    state: watch::Sender<LinkState>,
    injected: Arc<AtomicU64>,
    /// Dropped with the link, which closes the connections.
    _tasks: JoinSet<()>,
}

impl Link {
    /// Listens on a free port and forwards each connection to port `to` of this machine.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(to: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let state = watch::Sender::new(LinkState::Open);
        let injected = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        // The accept loop: ends with the link.
        tasks.spawn(accept(listener, to, state.clone(), Arc::clone(&injected)));
        Ok(Self {
            port,
            state,
            injected,
            _tasks: tasks,
        })
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes its state at once.
    pub fn set(&self, state: LinkState) {
        self.state.send_replace(state);
    }

    /// How many faults it caused: connections that it closed, pieces that it held or delayed.
    pub fn injected(&self) -> u64 {
        self.injected.load(Ordering::SeqCst)
    }
}

async fn accept(
    listener: TcpListener,
    to: u16,
    state: watch::Sender<LinkState>,
    injected: Arc<AtomicU64>,
) {
    let mut lines = JoinSet::new();
    loop {
        let near = tokio::select! {
            near = listener.accept() => near,
            Some(_ended) = lines.join_next() => continue,
        };
        // Out of descriptors, or the peer has disconnected: the next accept may succeed.
        let Ok((near, _)) = near else { continue };
        let line = Line {
            state: state.subscribe(),
            injected: Arc::clone(&injected),
        };
        // One connection: ends when a side closes, or when the link is cut.
        lines.spawn(line.run(near, to));
    }
}

/// One connection.
#[derive(Clone)]
struct Line {
    state: watch::Receiver<LinkState>,
    injected: Arc<AtomicU64>,
}

impl Line {
    async fn run(self, near: TcpStream, to: u16) {
        let mut state = self.state.clone();
        let carry = async {
            let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await else {
                return;
            };
            let _small_pieces = (near.set_nodelay(true), far.set_nodelay(true));
            let (from_near, to_near) = near.into_split();
            let (from_far, to_far) = far.into_split();
            tokio::select! {
                () = self.clone().pass(from_near, to_far) => {}
                () = self.clone().pass(from_far, to_near) => {}
            }
        };
        tokio::select! {
            biased;
            cut = state.wait_for(|state| *state == LinkState::Cut) => {
                if cut.is_ok() {
                    self.inject();
                }
            }
            () = carry => {}
        }
    }

    /// Returns when one side has closed or failed.
    async fn pass(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut buffer = vec![0; BUFFER];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let now = *self.state.borrow_and_update();
            match now {
                LinkState::Open | LinkState::Cut => {}
                LinkState::Slow(delay) => {
                    self.inject();
                    tokio::time::sleep(delay).await;
                }
                LinkState::Dead => {
                    self.inject();
                    let revived = self.state.wait_for(|state| *state != LinkState::Dead);
                    if revived.await.is_err() {
                        return;
                    }
                }
            }
            if to.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
        // A dead link does not forward a close either. Without the link no notification is needed.
        let _revived = self.state.wait_for(|state| *state != LinkState::Dead).await;
    }

    fn inject(&self) {
        self.injected.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests;
