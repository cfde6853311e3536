//! A client that reads at its own pace and checks what it gets.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use fanjet_oracle::{Filter, Ledger, Seen, Start, StreamJudge, V2Message, Verdict, read_v2};
use fanjet_runtime::{Clock, SystemClock};
use fanjet_testkit::LeanClient;
use fanjet_testkit::lean_client::Frame;
use tokio::time::{Instant, sleep, timeout_at};
use zstd::bulk::Decompressor;

use super::patience::connect_patiently;

const READ: usize = 256 << 10;
const TICK: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(5);
/// How long an event may be missing from the ledger, or overdue.
const PATIENCE: Duration = Duration::from_secs(60);
/// A stream with more faults than this is given up.
const MAX_FAULTS: u64 = 1000;
/// Larger than any event of a Jetstream server.
const MAX_EVENT: usize = 8 << 20;

/// The read rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    Free,
    /// At most this many bytes per second.
    Slow(f64),
}

/// When to stop reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Until {
    Time(Instant),
    /// Every event below an index has arrived; the ledger must reach that far.
    Index(usize),
}

/// One connection.
pub(crate) struct Reader {
    client: LeanClient,
    judge: StreamJudge,
    ledger: Arc<Ledger>,
    unpacker: Option<Decompressor<'static>>,
    pace: Pace,
    budget: f64,
    refilled: Instant,
    /// The payload of the last ping.
    pings: u32,
    /// Hash of the events below an index, as received.
    digest: Digest,
    is_reference: bool,
    /// How often a busy server asked to try again.
    refused: u32,
    /// Of a v2 client: the seq of its last event, sync events included.
    last_seq: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Digest {
    until: usize,
    value: u64,
}

/// The options of a connection.
pub(crate) struct Wish<'a> {
    pub(crate) url: &'a str,
    /// Parameters in addition to the filter's, each followed by a `&`.
    pub(crate) query: String,
    pub(crate) filter: Filter,
    pub(crate) is_compressed: bool,
    /// Jetstream v2, whose clients send nothing.
    pub(crate) is_v2: bool,
    pub(crate) receive_buffer: Option<u32>,
}

impl Wish<'_> {
    /// Connects; `start` returns where the stream must start, given the time of the connection.
    pub(crate) async fn connect(
        self,
        ledger: &Arc<Ledger>,
        start: impl FnOnce(u64) -> Start,
    ) -> Result<Reader> {
        let filter = match self.is_v2 {
            true => self.filter.v2_query(),
            false => self.filter.query(),
        };
        let mut query = self.query + &filter;
        let unpacker = if self.is_compressed {
            if !query.is_empty() && !query.ends_with('&') {
                query.push('&');
            }
            let dictionary = match self.is_v2 {
                true => fanjet_dictionaries::v2(),
                false => fanjet_dictionaries::v1(),
            };
            query.push_str(&match self.is_v2 {
                true => format!("zstdDictionary={}", dictionary.id()),
                false => "compress=true".to_owned(),
            });
            Some(Decompressor::with_dictionary(dictionary.bytes())?)
        } else {
            None
        };
        let path = match self.is_v2 {
            true => "/xrpc/network.bsky.jetstream.subscribeEvents",
            false => "/subscribe",
        };
        let connecting = connect_patiently(self.url, path, &query, self.receive_buffer);
        let (client, refused) = connecting.await?;
        let start = start(SystemClock.now_us());
        Ok(Reader {
            client,
            judge: StreamJudge::new(Arc::clone(ledger), &self.filter, start),
            ledger: Arc::clone(ledger),
            unpacker,
            pace: Pace::Free,
            budget: 0.0,
            refilled: Instant::now(),
            pings: 0,
            digest: Digest::default(),
            is_reference: false,
            refused,
            last_seq: self.is_v2.then_some(0),
        })
    }
}

impl Reader {
    /// Reads, and answers pings.
    ///
    /// # Errors
    /// When the connection ends, or the stream is given up.
    pub(crate) async fn read(&mut self, until: Until) -> Result<()> {
        let mut progressed = Instant::now();
        loop {
            while let Some(frame) = self.client.next_frame() {
                self.take(frame).await?;
                progressed = Instant::now();
            }
            let now = Instant::now();
            match until {
                Until::Time(end) if now >= end => return Ok(()),
                Until::Time(_) => {}
                Until::Index(end) if self.has_all(end, progressed) => return Ok(()),
                Until::Index(_) => {}
            }
            let Some(max) = self.allowance(now) else {
                sleep(PAUSE).await;
                continue;
            };
            if let Ok(got) = timeout_at(now + TICK, self.client.read(max)).await {
                self.budget -= got? as f64;
                progressed = Instant::now();
            }
        }
    }

    /// Requests another filter.
    pub(crate) async fn replace_filter(&mut self, filter: Filter) -> Result<()> {
        self.client.send(&filter.update()).await?;
        self.judge.replace(&filter);
        self.pings += 1;
        self.client.ping(&self.pings.to_be_bytes()).await
    }

    /// Sends the first filter, as `requireHello=true` announced.
    pub(crate) async fn hello(&mut self, filter: Filter, start: Start) -> Result<()> {
        self.client.send(&filter.update()).await?;
        self.judge = StreamJudge::new(Arc::clone(&self.ledger), &filter, start);
        Ok(())
    }

    /// Whether a filter is being replaced.
    pub(crate) fn is_changing(&self) -> bool {
        self.judge.is_changing()
    }

    pub(crate) fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
        self.budget = 0.0;
        self.refilled = Instant::now();
    }

    /// The times of this stream apply to all: it has no filter and starts at the oldest event.
    pub(crate) fn be_reference(&mut self) {
        self.is_reference = true;
    }

    /// Hashes the bytes of all messages with events below an index.
    pub(crate) fn digest_until(&mut self, index: usize) {
        self.digest = Digest {
            until: index,
            value: 0,
        };
    }

    pub(crate) fn digest(&self) -> u64 {
        self.digest.value
    }

    /// The time of the last event; 0: none arrived.
    pub(crate) fn last_time(&self) -> u64 {
        self.judge.last_time()
    }

    /// The time of the first event; 0: none arrived.
    pub(crate) fn first_time(&self) -> u64 {
        self.judge.first_time()
    }

    pub(crate) fn verdict(&mut self) -> Verdict {
        self.judge.verdict().clone()
    }

    /// Records that the connection ended unexpectedly.
    pub(crate) fn broke(&mut self, error: &anyhow::Error) {
        let verdict = self.judge.verdict();
        verdict.broken += 1;
        verdict.object(|| format!("{error:#}"));
    }

    /// How often a busy server asked to try again before it accepted this client.
    pub(crate) fn refused(&self) -> u32 {
        self.refused
    }

    pub(crate) async fn close(self) -> Result<()> {
        self.client.close().await
    }

    /// Whether everything below an index has arrived, or cannot arrive any more.
    fn has_all(&mut self, end: usize, progressed: Instant) -> bool {
        let is_known = match self.is_reference {
            true => end <= self.ledger.known(),
            false => end <= self.ledger.timed(),
        };
        let end = end.min(self.ledger.known());
        match self.judge.due(end) {
            None => is_known || (self.ledger.is_complete() && end == self.ledger.timed()),
            Some(due) => {
                let is_over = progressed.elapsed() > PATIENCE;
                if is_over {
                    self.judge.give_up(due);
                }
                is_over
            }
        }
    }

    async fn take(&mut self, frame: Frame) -> Result<()> {
        match frame {
            Frame::Text(event) => {
                if self.unpacker.is_some() {
                    bail!("text on a compressed connection");
                }
                self.judge(&event, &event).await
            }
            Frame::Binary(packed) => {
                let Some(unpacker) = &mut self.unpacker else {
                    bail!("binary on a plain connection");
                };
                let event = Bytes::from(unpacker.decompress(&packed, MAX_EVENT)?);
                self.judge(&packed, &event).await
            }
            Frame::Ping(payload) => self.client.pong(&payload).await,
            Frame::Pong(payload) => {
                if payload[..] == self.pings.to_be_bytes() {
                    self.judge.replaced(SystemClock.now_us());
                }
                Ok(())
            }
            Frame::Close(code, reason) => bail!("the server closed with {code} {reason:?}"),
        }
    }

    async fn judge(&mut self, message: &[u8], event: &[u8]) -> Result<()> {
        let Some(last_seq) = self.last_seq else {
            self.judge_v1(message, event).await?;
            return Ok(());
        };
        let (seq, v1) = match read_v2(event)? {
            V2Message::Event { seq, v1 } => (seq, Some(v1)),
            V2Message::Sync { seq, .. } => (seq, None),
            V2Message::Info(_) if last_seq == 0 => return Ok(()),
            other => bail!("unexpected: {other:?}"),
        };
        ensure!(seq > last_seq, "seq {seq} behind {last_seq}");
        self.last_seq = Some(seq);
        let Some(v1) = v1 else {
            return Ok(());
        };
        if let Some(index) = self.judge_v1(message, v1.as_bytes()).await? {
            let expected = self.ledger.seq_of(index);
            ensure!(seq == expected, "seq {seq} instead of {expected}");
        }
        Ok(())
    }

    /// Judges one event; returns its index, if it is one of the ledger.
    async fn judge_v1(&mut self, message: &[u8], event: &[u8]) -> Result<Option<usize>> {
        let mut waiting = None;
        let index = loop {
            match self.judge.see(event) {
                Seen::Judged(index) => break index,
                Seen::NotYet => {
                    let since = *waiting.get_or_insert_with(Instant::now);
                    if since.elapsed() > PATIENCE {
                        let event = String::from_utf8_lossy(event);
                        bail!("the ledger never contained this event: {event}");
                    }
                    sleep(PAUSE).await;
                }
            }
        };
        if index.is_some_and(|index| index < self.digest.until) {
            let value = self.digest.value;
            self.digest.value = value.rotate_left(7) ^ self.ledger.digest(message);
        }
        if self.is_reference {
            self.ledger.set_timed(self.judge.position());
        }
        if self.judge.verdict().faults() > MAX_FAULTS {
            bail!("too many faults");
        }
        Ok(index)
    }

    /// How many bytes may be read now.
    fn allowance(&mut self, now: Instant) -> Option<usize> {
        /// Less is not worth a system call.
        const LEAST: f64 = 1024.0;
        let Pace::Slow(rate) = self.pace else {
            return Some(READ);
        };
        let refill = rate * (now - self.refilled).as_secs_f64();
        self.refilled = now;
        self.budget = (self.budget + refill).min(rate.max(LEAST));
        (self.budget >= LEAST).then_some(self.budget as usize)
    }
}
