//! A line to NATS that can go dead while both ends still believe in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fanjet_actors::{OnFailure, Stop, Tasks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Proxy {
    address: String,
    is_cut: watch::Sender<bool>,
    held: Arc<AtomicU64>,
    /// Dropped with the proxy, which ends them.
    _tasks: Tasks,
}

impl Proxy {
    /// Passes connections on to a port of this machine.
    pub(crate) async fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let is_cut = watch::Sender::new(false);
        let held = Arc::new(AtomicU64::new(0));
        let mut tasks = Tasks::new(Stop::new());
        let (cut, holds) = (is_cut.clone(), Arc::clone(&held));
        tasks.spawn("proxy", OnFailure::Log, accept(listener, port, cut, holds));
        Self {
            address,
            is_cut,
            held,
            _tasks: tasks,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Keeps what is sent, in both directions.
    pub(crate) fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    /// Passes on what was kept, and what follows.
    pub(crate) fn heal(&self) {
        self.is_cut.send_replace(false);
    }

    /// Bytes that were kept so far.
    pub(crate) fn held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }
}

/// Ends with an error only.
async fn accept(
    listener: TcpListener,
    port: u16,
    is_cut: watch::Sender<bool>,
    held: Arc<AtomicU64>,
) -> std::io::Result<()> {
    let mut lines = Tasks::new(Stop::new());
    loop {
        let (client, _) = listener.accept().await?;
        let server = TcpStream::connect(("127.0.0.1", port)).await?;
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        for (from, to) in [(from_client, to_server), (from_server, to_client)] {
            let line = pass(from, to, is_cut.subscribe(), Arc::clone(&held));
            lines.spawn("line", OnFailure::Log, line);
        }
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut is_cut: watch::Receiver<bool>,
    held: Arc<AtomicU64>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        if *is_cut.borrow() {
            held.fetch_add(count as u64, Ordering::Relaxed);
            // An error means that the proxy is gone.
            is_cut
                .wait_for(|is_cut| !is_cut)
                .await
                .map_err(std::io::Error::other)?;
        }
        to.write_all(&buffer[..count]).await?;
    }
}
