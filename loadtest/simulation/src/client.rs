//! A client: it connects to any edge, resumes after the last event that it received, and reads at its own pace.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fanjet_oracle::{FrameReader, Piece, client_frame};
use fanjet_runtime::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{sleep, timeout};
use zstd::bulk::Decompressor;

use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::event::without_time;
use crate::record::{Item, Record};

/// The largest event, unpacked.
const MAX_EVENT: usize = 4 << 20;

/// How a client behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Reads at once and stays.
    Steady,
    /// Reads at once, and disconnects now and then.
    Restless,
    /// Pauses between reads.
    Slow,
    /// Reads nothing for minutes, now and then.
    Dozing,
}

/// One client.
pub(crate) struct Client {
    pub(crate) cluster: Rc<Cluster>,
    pub(crate) habit: Habit,
    /// Which of all clients it is.
    pub(crate) index: usize,
    /// Whether it asks for compressed events.
    pub(crate) is_compressed: bool,
    pub(crate) address: SocketAddr,
    /// Where it starts the first time.
    pub(crate) from_us: Option<u64>,
    pub(crate) record: Rc<RefCell<Record>>,
    pub(crate) dice: Dice,
}

impl Client {
    /// Connects again and again, for ever.
    ///
    /// # Errors
    /// A violation of the protocol.
    pub(crate) async fn run(self) -> Result<()> {
        loop {
            let from_us = match self.record.borrow().last_time() {
                Some(last) => Some(last + 1),
                None => self.from_us,
            };
            // A cursor in the future means live.
            let from_us = from_us.filter(|from| *from <= self.cluster.clock.now_us());
            if let Some(stream) = self.connect(from_us).await? {
                self.record.borrow_mut().items.push(Item::Start { from_us });
                self.read(stream).await?;
            }
            sleep(self.dice.millis(10..3_000)).await;
        }
    }

    async fn connect(&self, from_us: Option<u64>) -> Result<Option<DuplexStream>> {
        let Some(edge) = self.cluster.any_edge(&self.dice) else {
            return Ok(None);
        };
        let filter = self.record.borrow().filter.query();
        let cursor = from_us.map(|from| format!("cursor={from}"));
        let compress = match self.is_compressed {
            true => "compress=true&",
            false => "",
        };
        let cursor = cursor.unwrap_or_default();
        let target = format!("/subscribe?{filter}{compress}{cursor}");
        let buffer = match self.habit {
            Habit::Slow | Habit::Dozing => 2_000,
            Habit::Steady | Habit::Restless => 64 << 10,
        };
        match edge.subscribe(&target, self.address, buffer).await {
            Ok(stream) => Ok(Some(stream)),
            Err(refused) if refused.status == 503 => Ok(None),
            Err(refused) => bail!("{target} was refused: {refused:?}"),
        }
    }

    async fn read(&self, mut stream: DuplexStream) -> Result<()> {
        let (mut reader, mut message) = (FrameReader::default(), Vec::new());
        let mut bytes = vec![0; 16 << 10];
        let patience = match self.habit {
            Habit::Restless => self.dice.seconds(5..400),
            _ => Duration::from_secs(1 << 30),
        };
        let mut unpacker = match self.is_compressed {
            true => Some(Decompressor::with_dictionary(
                fanjet_dictionaries::v1().bytes(),
            )?),
            false => None,
        };
        let mut updates = self.cluster.updates[self.index].subscribe();
        // When it loses interest.
        let mut leaving = std::pin::pin!(sleep(patience));
        loop {
            let read = tokio::select! {
                biased;
                Ok(()) = updates.changed() => {
                    let max_delay = *updates.borrow_and_update();
                    let update = self.record.borrow().filter.update(max_delay);
                    send(&mut stream, |out| client_frame::text(out, &update)).await;
                    continue;
                }
                read = stream.read(&mut bytes) => read,
                () = &mut leaving => return Ok(()),
            };
            let Ok(length @ 1..) = read else {
                return Ok(());
            };
            let mut pings = Vec::new();
            let mut is_closed = false;
            let mut texts = Vec::new();
            reader.walk(&bytes[..length], |piece| match piece {
                Piece::Data { bytes, ends, .. } => {
                    message.extend_from_slice(bytes);
                    if ends {
                        texts.push(std::mem::take(&mut message));
                    }
                }
                Piece::Ping(payload) => pings.push(payload.to_vec()),
                Piece::Pong(_) => {}
                Piece::Close { .. } => is_closed = true,
            })?;
            for text in texts {
                let text = match &mut unpacker {
                    Some(unpacker) => unpacker
                        .decompress(&text, MAX_EVENT)
                        .context("a message that cannot be unpacked")?,
                    None => text,
                };
                let (time, text) = without_time(&text)?;
                let deleted = self.cluster.ledger.deleted();
                let mut record = self.record.borrow_mut();
                record.items.push(Item::Event {
                    time,
                    text,
                    deleted,
                });
            }
            if is_closed {
                return Ok(());
            }
            for ping in pings {
                send(&mut stream, |out| client_frame::pong(out, &ping)).await;
            }
            match self.habit {
                _ if self.cluster.is_settling.get() => {}
                Habit::Slow => sleep(self.dice.millis(0..400)).await,
                Habit::Dozing if self.dice.chance(0.02) => sleep(self.dice.seconds(20..300)).await,
                _ => {}
            }
        }
    }
}

/// Sends a frame. A server that does not read is found out by the next read.
async fn send(stream: &mut DuplexStream, write: impl FnOnce(&mut Vec<u8>)) {
    let mut frame = Vec::new();
    write(&mut frame);
    let _sent = timeout(Duration::from_secs(5), stream.write_all(&frame)).await;
}
