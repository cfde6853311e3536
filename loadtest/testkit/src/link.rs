//! A TCP connection's way through a bad network: it passes bytes on, until it is told to be cut, dead or slow.

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

/// What a link does to what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// Passes it on.
    Open,
    /// Ends open connections, and new ones as soon as they are made.
    Cut,
    /// Connections stand, new ones too, but nothing gets through; it is kept until the link is open again.
    Dead,
    /// Each piece (up to 64 KiB) arrives so much later, and the next one starts behind it.
    Slow(Duration),
}

/// A port of this machine that leads to another one. Dropping it ends its connections.
#[derive(Debug)]
pub struct Link {
    port: u16,
    state: watch::Sender<LinkState>,
    struck: Arc<AtomicU64>,
    /// Dropped with the link, which ends them.
    _tasks: JoinSet<()>,
}

impl Link {
    /// Listens on a free port and connects whoever comes with `to` on this machine.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start(to: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let state = watch::Sender::new(LinkState::Open);
        let struck = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        // The accept loop: ends with the link.
        tasks.spawn(accept(listener, to, state.clone(), Arc::clone(&struck)));
        Ok(Self {
            port,
            state,
            struck,
            _tasks: tasks,
        })
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes what it does, at once.
    pub fn set(&self, state: LinkState) {
        self.state.send_replace(state);
    }

    /// How often it did harm: connections that it ended, pieces that it kept or delayed.
    pub fn struck(&self) -> u64 {
        self.struck.load(Ordering::SeqCst)
    }
}

async fn accept(
    listener: TcpListener,
    to: u16,
    state: watch::Sender<LinkState>,
    struck: Arc<AtomicU64>,
) {
    let mut lines = JoinSet::new();
    loop {
        let near = tokio::select! {
            near = listener.accept() => near,
            Some(_ended) = lines.join_next() => continue,
        };
        // Out of descriptors, or the other side has gone already: the next one may fare better.
        let Ok((near, _)) = near else { continue };
        let line = Line {
            state: state.subscribe(),
            struck: Arc::clone(&struck),
        };
        // One connection: ends with either side, or when the link is cut.
        lines.spawn(line.run(near, to));
    }
}

/// One connection.
#[derive(Clone)]
struct Line {
    state: watch::Receiver<LinkState>,
    struck: Arc<AtomicU64>,
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
                    self.strike();
                }
            }
            () = carry => {}
        }
    }

    /// Returns when one side has ended, or breaks.
    async fn pass(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut buffer = vec![0; BUFFER];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let now = *self.state.borrow_and_update();
            match now {
                LinkState::Open | LinkState::Cut => {}
                LinkState::Slow(delay) => {
                    self.strike();
                    tokio::time::sleep(delay).await;
                }
                LinkState::Dead => {
                    self.strike();
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
        // A dead link does not tell of an end either. Without the link there is nobody to tell.
        let _revived = self.state.wait_for(|state| *state != LinkState::Dead).await;
    }

    fn strike(&self) {
        self.struck.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests;
