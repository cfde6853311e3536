//! One unfiltered subscriber: how far has the edge come?

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use anyhow::{Context, Result, bail};
use fanjet_oracle::{Piece, Walker, client_frame};
use fanjet_swarm::{Answer, Target, answer};
use tokio::sync::watch;

const READ: usize = 256 << 10;

/// Counts what an edge sends.
pub(crate) struct Witness(watch::Receiver<u64>);

impl Witness {
    /// Subscribes. What is appended from now on is counted.
    pub(crate) fn start(target: &Target) -> Result<Self> {
        let mut stream = TcpStream::connect(target.address)?;
        stream.write_all(target.request("").as_bytes())?;
        let mut head = Vec::new();
        let mut buffer = vec![0; READ];
        let at = loop {
            let count = stream.read(&mut buffer)?;
            head.extend_from_slice(&buffer[..count]);
            match answer(&head) {
                Answer::Upgraded(at) => break at,
                Answer::Refused(words) => bail!("the edge refuses the witness: {words}"),
                Answer::Incomplete if count == 0 => bail!("the edge hung up"),
                Answer::Incomplete => {}
            }
        };
        let (sender, receiver) = watch::channel(0);
        let early = head.split_off(at);
        thread::Builder::new()
            .name("witness".to_owned())
            .spawn(move || count(stream, &early, &sender))
            .context("cannot start a thread")?;
        Ok(Self(receiver))
    }

    /// Events so far.
    pub(crate) fn seen(&mut self) -> u64 {
        *self.0.borrow_and_update()
    }

    /// Waits for the next.
    pub(crate) async fn sees_more(&mut self) -> Result<()> {
        let more = self.0.changed().await;
        more.context("the edge has closed the witness' connection")
    }
}

/// Until the stream ends; that shows by the sender being gone.
fn count(mut stream: TcpStream, early: &[u8], seen: &watch::Sender<u64>) {
    let mut walker = Walker::default();
    let mut buffer = early.to_vec();
    let mut length = buffer.len();
    buffer.resize(READ.max(length), 0);
    loop {
        let (mut events, mut pings) = (0, 0);
        let walked = walker.walk(&buffer[..length], |piece| match piece {
            Piece::Data { ends: true, .. } => events += 1,
            Piece::Ping(_) => pings += 1,
            _ => {}
        });
        if walked.is_err() {
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
