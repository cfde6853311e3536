//! Upstreams: relays that publish the frames of one world, each under its own seqs, over buffers in place of sockets.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use fanjet_simulator::{CursorHabit, ProducedFrame};
use fanjet_websocket::tungstenite::error::Error;
use fanjet_websocket::tungstenite::handshake::server::{Request, Response};
use fanjet_websocket::tungstenite::protocol::Message;
use fanjet_websocket::{ByteStream, Dial, Dialing};
use futures::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_tungstenite::accept_hdr_async;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::dice::Dice;

/// What a connection buffers in each direction.
const BUFFER: usize = 256 << 10;

/// One relay.
pub(crate) struct Relay {
    host: String,
    habit: CursorHabit,
    frames: Arc<Vec<ProducedFrame>>,
    state: Mutex<State>,
    /// How many frames of the world it has published.
    published: watch::Sender<usize>,
    connections: Mutex<JoinSet<()>>,
    dice: Dice,
}

#[derive(Debug, Default)]
struct State {
    is_down: bool,
    /// Added to the seq of every frame, since it was re-created.
    shift: u64,
    /// The oldest frame that it keeps.
    oldest: usize,
    cut: CancellationToken,
}

impl Relay {
    pub(crate) fn new(
        host: &str,
        habit: CursorHabit,
        frames: Arc<Vec<ProducedFrame>>,
        dice: Dice,
    ) -> Arc<Self> {
        Arc::new(Self {
            host: host.to_owned(),
            habit,
            frames,
            state: Mutex::default(),
            published: watch::Sender::new(0),
            connections: Mutex::default(),
            dice,
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.host)
    }

    pub(crate) fn published(&self) -> usize {
        *self.published.borrow()
    }

    /// Whether a client has ever connected and been accepted.
    pub(crate) fn has_clients(&self) -> bool {
        !self.connections.lock().is_empty()
    }

    pub(crate) fn publish(&self, frames: usize) {
        self.published
            .send_modify(|published| *published = self.frames.len().min(*published + frames));
    }

    /// Cuts all connections, without a closing handshake.
    pub(crate) fn cut(&self) {
        std::mem::take(&mut self.state.lock().cut).cancel();
    }

    /// Accepts no connection until it is up again. The world continues.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.state.lock().is_down = is_down;
        if is_down {
            self.cut();
        }
    }

    /// Starts over under the same name: `repeated` frames are kept, and everything gets new seqs from `base` on.
    pub(crate) fn recreate(&self, base: u64, repeated: usize) {
        let mut state = self.state.lock();
        let published = self.published();
        state.oldest = published.saturating_sub(repeated).max(state.oldest);
        let first = self.frames.get(state.oldest).map_or(0, |frame| frame.seq);
        state.shift = base.wrapping_sub(first);
        drop(state);
        self.cut();
    }

    fn seq(&self, index: usize, shift: u64) -> u64 {
        self.frames[index].seq.wrapping_add(shift)
    }

    fn bytes(&self, index: usize) -> Bytes {
        let shift = self.state.lock().shift;
        self.frames[index].clone().shifted_by(shift).bytes
    }

    /// Where a client with this cursor starts, or the frame that refuses it.
    fn start(&self, cursor: Option<u64>) -> Result<usize, Bytes> {
        let published = self.published();
        let state = self.state.lock();
        let Some(cursor) = cursor else {
            return Ok(published);
        };
        let known = state.oldest..published;
        let newest = known
            .clone()
            .next_back()
            .map(|it| self.seq(it, state.shift));
        let is_future = newest.is_none_or(|newest| cursor > newest);
        let behind = |is_before: &dyn Fn(u64) -> bool| {
            let skipped = known
                .clone()
                .take_while(|&it| is_before(self.seq(it, state.shift)));
            known.start + skipped.count()
        };
        match self.habit {
            CursorHabit::Spec if is_future => Err(Bytes::from_static(FUTURE_CURSOR)),
            CursorHabit::Relay | CursorHabit::Rainbow if is_future => Ok(published),
            CursorHabit::Rainbow => Ok(behind(&|seq| seq < cursor)),
            CursorHabit::Spec | CursorHabit::Relay => Ok(behind(&|seq| seq <= cursor)),
        }
    }

    async fn serve(self: Arc<Self>, stream: DuplexStream, cut: CancellationToken) {
        let served = cut.run_until_cancelled(async {
            let mut cursor = None;
            #[allow(clippy::result_large_err, reason = "the library's type")]
            let read_cursor = |request: &Request, response: Response| {
                let query = request.uri().query().unwrap_or_default();
                cursor = query
                    .strip_prefix("cursor=")
                    .and_then(|cursor| cursor.parse().ok());
                Ok(response)
            };
            let mut socket = accept_hdr_async(stream, read_cursor).await?;
            let mut published = self.published.subscribe();
            let mut next = match self.start(cursor) {
                Ok(next) => next,
                Err(refusal) => {
                    socket.send(Message::Binary(refusal)).await?;
                    return socket.close(None).await;
                }
            };
            loop {
                while next < *published.borrow_and_update() {
                    socket.send(Message::Binary(self.bytes(next))).await?;
                    next += 1;
                    if self.dice.chance(0.05) {
                        tokio::time::sleep(self.dice.millis(0..300)).await;
                    }
                }
                tokio::select! {
                    biased;
                    changed = published.changed() => {
                        if changed.is_err() { return Ok(()) }
                    }
                    received = socket.next() => {
                        if !matches!(received, Some(Ok(_))) { return Ok(()) }
                    }
                }
            }
        });
        if let Some(Err(error)) = served.await {
            tracing::debug!(%error, "the connection of an upstream ended");
        }
    }
}

/// `{"op": -1}{"error": "FutureCursor"}`.
const FUTURE_CURSOR: &[u8] = b"\xa1bop\x20\xa1eerrorlFutureCursor";

/// Reaches the relays by the host of their URL.
pub(crate) struct Relays(pub(crate) Vec<Arc<Relay>>);

impl Dial for Relays {
    fn dial<'a>(&'a self, url: &'a Url) -> Dialing<'a> {
        Box::pin(async move {
            let refused = || Error::Io(io::ErrorKind::ConnectionRefused.into());
            let host = url.host_str().unwrap_or_default();
            let relay = self.0.iter().find(|relay| relay.host == host);
            let relay = relay.ok_or_else(refused)?;
            tokio::time::sleep(relay.dice.millis(0..40)).await;
            let cut = {
                let state = relay.state.lock();
                if state.is_down {
                    return Err(refused());
                }
                state.cut.clone()
            };
            let (client, server) = duplex(BUFFER);
            // Ends with the connection, or with the token.
            let serving = Arc::clone(relay).serve(server, cut);
            relay.connections.lock().spawn(serving);
            Ok(Box::new(client) as Box<dyn ByteStream>)
        })
    }
}
