//! Readers of raw frames that count bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::service::PATIENCE;

const POLL: Duration = Duration::from_millis(20);
const PATH: &str = "/xrpc/com.atproto.sync.subscribeRepos";

/// Open connections; dropping them closes all.
pub(super) struct Readers {
    bytes: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl Readers {
    pub(super) async fn start(address: &str, query: &str, count: u64) -> Result<Self> {
        let bytes = Arc::<AtomicU64>::default();
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let mut socket = connect(address, query).await?;
            let bytes = Arc::clone(&bytes);
            // One reader: ends with its connection.
            tasks.spawn(async move {
                let mut buffer = vec![0; 256 << 10];
                while let Ok(read @ 1..) = socket.read(&mut buffer).await {
                    bytes.fetch_add(read as u64, Ordering::Relaxed);
                }
            });
        }
        Ok(Self {
            bytes,
            _tasks: tasks,
        })
    }

    /// What all of them got.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// Connects, once the node has reached the raw log: until then it answers 503.
async fn connect(address: &str, query: &str) -> Result<TcpStream> {
    let began = Instant::now();
    loop {
        match request(address, query).await {
            Err(error) if began.elapsed() > PATIENCE => return Err(error),
            Err(_) => sleep(POLL).await,
            connected => return connected,
        }
    }
}

async fn request(address: &str, query: &str) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!(
        "GET {PATH}{query} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    let mut line = [0; 12];
    socket.read_exact(&mut line).await.context("no answer")?;
    ensure!(
        line.ends_with(b" 101"),
        "refused: {}",
        String::from_utf8_lossy(&line)
    );
    Ok(socket)
}
