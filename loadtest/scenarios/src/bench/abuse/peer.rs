//! One hostile connection, from its own loopback address.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// No honest client uses this address.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 66, 6, 6);
/// No wait for the server may be endless.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Peer {
    stream: TcpStream,
}

impl Peer {
    pub(super) async fn connect(server: SocketAddr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((ADDRESS, 0).into())?;
        let stream = timeout(PATIENCE, socket.connect(server)).await??;
        Ok(Self { stream })
    }

    /// Connects and becomes a subscriber.
    pub(super) async fn subscribe(server: SocketAddr, query: &str) -> Result<Self> {
        let mut peer = Self::connect(server).await?;
        let head = format!(
            "GET /subscribe{query} HTTP/1.1\r\nHost: edge\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        peer.send(head.as_bytes()).await?;
        let mut answer = [0; 12];
        timeout(PATIENCE, peer.stream.read_exact(&mut answer)).await??;
        ensure!(&answer == b"HTTP/1.1 101", "refused");
        Ok(peer)
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes)).await??;
        Ok(())
    }

    /// Reads so many bytes, or to the end.
    pub(super) async fn read(&mut self, bytes: usize) -> Result<()> {
        let mut buffer = vec![0; 65_536];
        let mut seen = 0;
        while seen < bytes {
            match timeout(PATIENCE, self.stream.read(&mut buffer)).await?? {
                0 => break,
                count => seen += count,
            }
        }
        Ok(())
    }

    /// Reads until the server ends the connection.
    pub(super) async fn read_to_end(&mut self) -> Result<()> {
        self.read(usize::MAX).await
    }
}

/// The head of a client's frame with a mask of zero.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASKED: u8 = 0x80;
    let mut frame = vec![first, MASKED | 127];
    frame.extend((payload.len() as u64).to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}
