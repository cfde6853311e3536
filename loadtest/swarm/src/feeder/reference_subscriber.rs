//! One unfiltered subscriber that measures how far the edge has delivered.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use anyhow::{Context, Result, bail};
use fanjet_oracle::{FrameReader, Piece, client_frame};
use fanjet_swarm::{Handshake, Target, answer};
use tokio::sync::watch;

const READ: usize = 256 << 10;

/// Counts the events of an edge.
pub(crate) struct ReferenceSubscriber(watch::Receiver<u64>);

impl ReferenceSubscriber {
    /// Subscribes. Counts events that are appended from now on.
    pub(crate) fn start(target: &Target) -> Result<Self> {
        let mut stream = TcpStream::connect(target.address)?;
        stream.write_all(target.request("").as_bytes())?;
        let mut head = Vec::new();
        let mut buffer = vec![0; READ];
        let at = loop {
            let count = stream.read(&mut buffer)?;
            head.extend_from_slice(&buffer[..count]);
            match answer(&head) {
                Handshake::Upgraded(at) => break at,
                Handshake::Rejected(words) => {
                    bail!("the edge rejects the reference subscriber: {words}")
                }
                Handshake::Incomplete if count == 0 => bail!("the edge hung up"),
                Handshake::Incomplete => {}
            }
        };
        let (sender, receiver) = watch::channel(0);
        let early = head.split_off(at);
        thread::Builder::new()
            .name("reference".to_owned())
            .spawn(move || count(stream, &early, &sender))
            .context("cannot start a thread")?;
        Ok(Self(receiver))
    }

    /// Events so far.
    pub(crate) fn seen(&mut self) -> u64 {
        *self.0.borrow_and_update()
    }

    /// Waits for the next event.
    pub(crate) async fn sees_more(&mut self) -> Result<()> {
        let more = self.0.changed().await;
        more.context("the edge closed the reference subscriber's connection")
    }
}

/// Until the stream ends, which drops the sender.
fn count(mut stream: TcpStream, early: &[u8], seen: &watch::Sender<u64>) {
    let mut frames = FrameReader::default();
    let mut buffer = early.to_vec();
    let mut length = buffer.len();
    buffer.resize(READ.max(length), 0);
    loop {
        let (mut events, mut pings) = (0, 0);
        let read = frames.walk(&buffer[..length], |piece| match piece {
            Piece::Data { ends: true, .. } => events += 1,
            Piece::Ping(_) => pings += 1,
            _ => {}
        });
        if read.is_err() {
            return;
        }
        if events > 0 {
            seen.send_modify(|seen| *seen += events);
        }
        let mut out = Vec::new();
        (0..pings).for_each(|_| client_frame::pong(&mut out, b""));
        if stream.write_all(&out).is_err() {
            return;
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => length = count,
        }
    }
}
