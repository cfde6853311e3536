use std::net::SocketAddr;
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// As on Ethernet: loopback segments exceed the windows of slow readers, which then receive only the data of window probes.
const SEGMENT: u32 = 1448;

const BYTES_PER_MS: usize = 200;

/// Reads a few bytes at a time.
pub(crate) struct Trickling {
    socket: TcpStream,
    since: Instant,
    pub(crate) read: usize,
}

impl Trickling {
    /// Requests a target, as a WebSocket where it is one.
    pub(crate) async fn open(addr: SocketAddr, target: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        SockRef::from(&socket).set_tcp_mss(SEGMENT).unwrap();
        let mut socket = socket.connect(addr).await.unwrap();
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let upgrade = match target.starts_with("/subscribe") {
            true => upgrade,
            false => "",
        };
        let head = format!("GET {target} HTTP/1.1\r\nHost: edge.test\r\n{upgrade}\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        Self {
            socket,
            since: Instant::now(),
            read: 0,
        }
    }

    /// A pause, and the few hundred bytes that are due: more when the pause was longer than planned.
    pub(crate) async fn read_a_little(&mut self) {
        tokio::time::sleep(Duration::from_millis(2)).await;
        let due = self.since.elapsed().as_millis() as usize * BYTES_PER_MS;
        let mut bytes = vec![0; due.saturating_sub(self.read).max(1)];
        let asked = Instant::now();
        let read = self.socket.read(&mut bytes).await;
        let waited = asked.elapsed();
        let Ok(read @ 1..) = read else {
            panic!("{read:?} after {} bytes and {waited:?}", self.read);
        };
        self.read += read;
    }

    /// Reads until the connection ends, without ending it itself.
    pub(crate) async fn read_to_end(&mut self) {
        let mut bytes = vec![0; 1 << 16];
        while matches!(self.socket.read(&mut bytes).await, Ok(1..)) {}
    }
}
