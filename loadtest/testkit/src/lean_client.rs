//! A subscriber that costs next to nothing, for tests that need hundreds on one machine, and that reads exactly as
//! fast as it is told to.
//!
//! It speaks just enough WebSocket for that: whole, unmasked frames from the server, and a mask of zeroes on its own.

use anyhow::{Context, Result, bail, ensure};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Room for what one read brings.
const READ: usize = 64 << 10;
/// Longer answers to a handshake are nonsense.
const MAX_HEAD: usize = 16 << 10;

/// One connected subscriber.
#[derive(Debug)]
pub struct LeanClient {
    stream: TcpStream,
    received: BytesMut,
    bytes: u64,
}

/// One WebSocket frame of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// An event.
    Text(Bytes),
    /// A compressed event.
    Binary(Bytes),
    /// To be answered with [`LeanClient::pong`].
    Ping(Bytes),
    /// The answer to [`LeanClient::ping`].
    Pong(Bytes),
    /// The end, with code and reason; 1005 without them.
    Close(u16, String),
}

impl LeanClient {
    /// Connects to `/subscribe` of `base` (`ws://127.0.0.1:6008`) with a query that is encoded already. With
    /// `receive_buffer` the system keeps about so many bytes for it and no more.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses the upgrade; with its answer.
    pub async fn connect(base: &str, query: &str, receive_buffer: Option<u32>) -> Result<Self> {
        let host = base.strip_prefix("ws://").context("not a ws:// URL")?;
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(host.parse()?).await;
        let stream = stream.with_context(|| format!("cannot connect to {base}"))?;
        stream.set_nodelay(true)?;
        let mut client = Self {
            stream,
            received: BytesMut::new(),
            bytes: 0,
        };
        let request = format!(
            "GET /subscribe?{query} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        client.stream.write_all(request.as_bytes()).await?;
        client.upgraded(query).await?;
        Ok(client)
    }

    /// The next frame of what was read; `None` when more must be read for it.
    ///
    /// # Errors
    /// When the server sends what this client does not understand.
    pub fn next_frame(&mut self) -> Result<Option<Frame>> {
        let Some((header, length)) = measure(&self.received) else {
            return Ok(None);
        };
        if self.received.len() < header + length {
            return Ok(None);
        }
        let first = self.received[0];
        self.received.advance(header);
        let mut payload = self.received.split_to(length).freeze();
        ensure!(
            first & 0xf0 == 0x80,
            "a fragment, or reserved bits: {first:#x}"
        );
        Ok(Some(match first & 0x0f {
            0x1 => Frame::Text(payload),
            0x2 => Frame::Binary(payload),
            0x8 if length < 2 => Frame::Close(1005, String::new()),
            0x8 => {
                let code = payload.get_u16();
                Frame::Close(code, String::from_utf8_lossy(&payload).into_owned())
            }
            0x9 => Frame::Ping(payload),
            0xa => Frame::Pong(payload),
            opcode => bail!("opcode {opcode:#x}"),
        }))
    }

    /// Reads what is there, at most `max` bytes; waits when nothing is. Returns how many came.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn read(&mut self, max: usize) -> Result<usize> {
        self.received.reserve(READ.min(max));
        let mut part = (&mut self.stream).take(max as u64);
        let got = part.read_buf(&mut self.received).await?;
        ensure!(got > 0, "the connection ended");
        self.bytes += got as u64;
        Ok(got)
    }

    /// Sends a text message, for example an options update.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn send(&mut self, text: &str) -> Result<()> {
        self.write(0x1, text.as_bytes()).await
    }

    /// Sends a ping.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn ping(&mut self, payload: &[u8]) -> Result<()> {
        self.write(0x9, payload).await
    }

    /// Sends a pong.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn pong(&mut self, payload: &[u8]) -> Result<()> {
        self.write(0xa, payload).await
    }

    /// Closes from this side with 1000. What was still on its way is not read.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn close(mut self) -> Result<()> {
        self.write(0x8, &1000_u16.to_be_bytes()).await
    }

    /// Bytes received, heads and control frames included.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    async fn upgraded(&mut self, query: &str) -> Result<()> {
        loop {
            let end = self.received.windows(4).position(|it| it == b"\r\n\r\n");
            if let Some(end) = end {
                let head = self.received.split_to(end + 4);
                let head = String::from_utf8_lossy(&head);
                ensure!(
                    head.starts_with("HTTP/1.1 101 "),
                    "{query} answered {head}{}",
                    String::from_utf8_lossy(&self.received)
                );
                return Ok(());
            }
            ensure!(self.received.len() < MAX_HEAD, "an endless answer");
            self.read(READ).await?;
        }
    }

    async fn write(&mut self, opcode: u8, payload: &[u8]) -> Result<()> {
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            length @ 0..126 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(length)?.to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        Ok(self.stream.write_all(&frame).await?)
    }
}

/// Lengths of a frame's header and payload.
fn measure(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes.get(1)? & 0x7f {
        126 => {
            let length = bytes.get(2..4)?.try_into().ok()?;
            Some((4, usize::from(u16::from_be_bytes(length))))
        }
        127 => {
            let length = bytes.get(2..10)?.try_into().ok()?;
            Some((10, usize::try_from(u64::from_be_bytes(length)).ok()?))
        }
        length => Some((2, usize::from(length))),
    }
}

#[cfg(test)]
mod tests;
