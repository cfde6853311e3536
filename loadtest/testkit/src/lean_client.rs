//! A subscriber with minimal cost, for tests that need hundreds of them on one machine, and that reads exactly as fast
//! as the test requires.
//!
//! It uses the load generator's frame reader.

use std::collections::VecDeque;

use anyhow::{Context, Result, ensure};
use bytes::{Bytes, BytesMut};
use fanjet_oracle::{FrameReader, Kind, Piece, client_frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Read size.
const READ: usize = 64 << 10;
/// Longer handshake responses are rejected.
const MAX_HEAD: usize = 16 << 10;

/// One connected subscriber.
#[derive(Debug)]
pub struct LeanClient {
    stream: TcpStream,
    received: BytesMut,
    bytes: u64,
    reader: FrameReader,
    /// The incomplete message.
    part: Vec<u8>,
    /// The bytes of the last reads.
    frames: VecDeque<Frame>,
}

/// One message or control frame of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// An event.
    Text(Bytes),
    /// A compressed event.
    Binary(Bytes),
    /// Must be answered with [`LeanClient::pong`].
    Ping(Bytes),
    /// The response to [`LeanClient::ping`].
    Pong(Bytes),
    /// The close frame, with code and reason; 1005 without them.
    Close(u16, String),
}

impl LeanClient {
    /// Connects to `/subscribe` of `base` (`ws://127.0.0.1:6008`) with an encoded query. With `receive_buffer` the
    /// system buffers about this many bytes for it.
    ///
    /// # Errors
    /// When the server is unreachable or rejects the upgrade; with its response.
    pub async fn connect(base: &str, query: &str, receive_buffer: Option<u32>) -> Result<Self> {
        Self::connect_at(base, "/subscribe", query, receive_buffer).await
    }

    /// The same at another path.
    ///
    /// # Errors
    /// As [`LeanClient::connect`].
    pub async fn connect_at(
        base: &str,
        path: &str,
        query: &str,
        receive_buffer: Option<u32>,
    ) -> Result<Self> {
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
            reader: FrameReader::default(),
            part: Vec::new(),
            frames: VecDeque::new(),
        };
        let request = format!(
            "GET {path}?{query} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        client.stream.write_all(request.as_bytes()).await?;
        client.upgraded(query).await?;
        client.walk()?;
        Ok(client)
    }

    /// The next frame in the received bytes; `None` if more must be read.
    pub fn next_frame(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }

    /// Reads available bytes, at most `max`; waits if there are none. Returns how many were read.
    ///
    /// # Errors
    /// When the connection has ended, or the server violates the protocol.
    pub async fn read(&mut self, max: usize) -> Result<usize> {
        let got = self.receive(max).await?;
        self.walk()?;
        Ok(got)
    }

    /// Sends a text message, for example an options update.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn send(&mut self, text: &str) -> Result<()> {
        self.write(|out| client_frame::text(out, text)).await
    }

    /// Sends a ping.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn ping(&mut self, payload: &[u8]) -> Result<()> {
        self.write(|out| client_frame::ping(out, payload)).await
    }

    /// Sends a pong.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn pong(&mut self, payload: &[u8]) -> Result<()> {
        self.write(|out| client_frame::pong(out, payload)).await
    }

    /// Closes the connection with 1000. Bytes in flight are not read.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn close(mut self) -> Result<()> {
        self.write(|out| client_frame::close(out, 1000)).await
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
                    "{query}: the server responded {head}{}",
                    String::from_utf8_lossy(&self.received)
                );
                return Ok(());
            }
            ensure!(
                self.received.len() < MAX_HEAD,
                "handshake response too long"
            );
            self.receive(READ).await?;
        }
    }

    async fn receive(&mut self, max: usize) -> Result<usize> {
        self.received.reserve(READ.min(max));
        let mut part = (&mut self.stream).take(max as u64);
        let got = part.read_buf(&mut self.received).await?;
        ensure!(got > 0, "the connection ended");
        self.bytes += got as u64;
        Ok(got)
    }

    /// Takes the frames out of the received bytes.
    fn walk(&mut self) -> Result<()> {
        let (part, frames) = (&mut self.part, &mut self.frames);
        let read = self.reader.walk(&self.received, |piece| match piece {
            Piece::Data { kind, bytes, ends } => {
                part.extend_from_slice(bytes);
                if ends {
                    let message = Bytes::from(std::mem::take(part));
                    frames.push_back(match kind {
                        Kind::Text => Frame::Text(message),
                        Kind::Binary => Frame::Binary(message),
                    });
                }
            }
            Piece::Ping(payload) => frames.push_back(Frame::Ping(Bytes::copy_from_slice(payload))),
            Piece::Pong(payload) => frames.push_back(Frame::Pong(Bytes::copy_from_slice(payload))),
            Piece::Close { code, reason } => {
                let reason = String::from_utf8_lossy(reason).into_owned();
                frames.push_back(Frame::Close(code, reason));
            }
        });
        self.received.clear();
        Ok(read?)
    }

    async fn write(&mut self, frame: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        let mut bytes = Vec::new();
        frame(&mut bytes);
        Ok(self.stream.write_all(&bytes).await?)
    }
}

#[cfg(test)]
mod tests;
