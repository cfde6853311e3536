//! One WebSocket to a Jetstream server.

use std::time::Duration;

use bytes::Bytes;
use fanjet_websocket::tungstenite::{Error, Message};
use fanjet_websocket::{Skipped, Socket};
use futures::{SinkExt, StreamExt};
use tokio::time::{Instant, sleep_until, timeout};
use url::Url;

use crate::event::time_at_beginning;
use crate::unpack::Unpacker;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Deadline for sending a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Deadline of the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A server that is silent for this long is pinged, and after twice as long the connection counts as dead.
const PING_AFTER: Duration = Duration::from_secs(30);
/// Longer messages are skipped: no Jetstream server sends events this large.
const MAX_MESSAGE: usize = 8 << 20;
/// How many characters of a server's text are shown.
const WORDS: usize = 300;

/// Why a connection ended or failed.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Retrying can help.
    Broken { reason: String, was_reached: bool },
    /// The server responded with an HTTP status that will not change.
    Refused { status: u16, answer: String },
}

impl Ended {
    fn broken(reason: impl ToString) -> Self {
        Self::Broken {
            reason: reason.to_string(),
            was_reached: true,
        }
    }

    fn unreachable(reason: impl ToString) -> Self {
        Self::Broken {
            reason: reason.to_string(),
            was_reached: false,
        }
    }
}

/// Something received.
#[derive(Debug)]
pub(crate) enum Came {
    /// The JSON of an event.
    Json(Bytes),
    /// Something that is not an event, described.
    Unreadable(String),
    /// A message that was too long to read.
    Skipped(Skipped),
}

/// An open connection.
pub(crate) struct Connection {
    socket: Socket,
    unpacker: Option<Unpacker>,
    last_sign_of_life: Instant,
    next_look: Instant,
    skipped: Vec<Skipped>,
    /// Found behind a message that was too long, which must be reported first.
    ended: Option<Ended>,
}

impl Connection {
    pub(crate) async fn open(url: Url, is_v2: bool) -> Result<Self, Ended> {
        // A message of v2 begins with its record, so one that is too long has no position.
        let position: fn(&[u8]) -> Option<u64> = match is_v2 {
            false => time_at_beginning,
            true => |_| None,
        };
        let connecting = fanjet_websocket::connect(&url, MAX_MESSAGE, position);
        let socket = timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| Ended::unreachable(format!("no response within {CONNECT_TIMEOUT:?}")))?
            .map_err(refusal)?;
        let now = Instant::now();
        Ok(Self {
            socket,
            unpacker: None,
            last_sign_of_life: now,
            next_look: now + PING_AFTER,
            skipped: Vec::new(),
            ended: None,
        })
    }

    /// Waits for the next message. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Came, Ended> {
        loop {
            if let Some(skipped) = self.skipped.pop() {
                return Ok(Came::Skipped(skipped));
            }
            if let Some(ended) = self.ended.take() {
                return Err(ended);
            }
            let look = self.next_look;
            tokio::select! {
                message = self.socket.next() => {
                    self.last_sign_of_life = Instant::now();
                    self.skipped = self.socket.get_mut().take_skipped();
                    self.skipped.reverse();
                    match self.taken(message) {
                        Ok(Some(came)) => return Ok(came),
                        Ok(None) => {}
                        Err(ended) => {
                            // It may be endless: it must be reported before the next connection.
                            if let Some(unfinished) = self.socket.get_ref().unfinished() {
                                self.skipped.insert(0, unfinished);
                            }
                            self.ended = Some(ended);
                        }
                    }
                }
                () = sleep_until(look) => self.keep_alive().await?,
            }
        }
    }

    /// Sends a message.
    pub(crate) async fn send(&mut self, text: String) -> Result<(), Ended> {
        self.socket.get_mut().get_mut().allow_message(text.len());
        match timeout(SEND_TIMEOUT, self.socket.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Ended::broken(error)),
            Err(_) => Err(Ended::broken(format!(
                "the server did not read for {SEND_TIMEOUT:?}"
            ))),
        }
    }

    /// Closes the connection, without waiting for a server that does not respond.
    pub(crate) async fn close(mut self) {
        let closing = timeout(CLOSE_TIMEOUT, self.socket.close(None));
        drop(closing.await);
    }

    fn taken(&mut self, message: Option<Result<Message, Error>>) -> Result<Option<Came>, Ended> {
        match message {
            Some(Ok(Message::Text(json))) => Ok(Some(Came::Json(json.into()))),
            Some(Ok(Message::Binary(frame))) => {
                let unpacked = match &mut self.unpacker {
                    Some(unpacker) => unpacker.unpack(&frame),
                    None => match Unpacker::new() {
                        Ok(unpacker) => self.unpacker.insert(unpacker).unpack(&frame),
                        Err(error) => Err(error),
                    },
                };
                Ok(Some(match unpacked {
                    Ok(json) => Came::Json(json),
                    Err(error) => Came::Unreadable(format!(
                        "a binary message that is not a zstd frame with Jetstream's dictionary: {error}"
                    )),
                }))
            }
            Some(Ok(Message::Close(Some(close)))) => Err(Ended::broken(format!(
                "closed with {}: {}",
                u16::from(close.code),
                close.reason
            ))),
            Some(Ok(Message::Close(None))) => Err(Ended::broken("closed")),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
            Some(Err(error)) => Err(Ended::broken(error)),
            None => Err(Ended::broken("closed without a close frame")),
        }
    }

    async fn keep_alive(&mut self) -> Result<(), Ended> {
        let silence = self.last_sign_of_life.elapsed();
        if silence >= PING_AFTER * 2 {
            return Err(Ended::broken(format!("nothing received for {silence:.0?}")));
        }
        if silence < PING_AFTER {
            self.next_look = self.last_sign_of_life + PING_AFTER;
            return Ok(());
        }
        self.next_look = Instant::now() + PING_AFTER;
        // A server that does not read must not block us: its silence is detected later.
        match timeout(PING_AFTER, self.socket.send(Message::Ping(Bytes::new()))).await {
            Ok(Err(error)) => Err(Ended::broken(error)),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

fn refusal(error: Error) -> Ended {
    let Error::Http(response) = error else {
        return Ended::unreachable(error);
    };
    let status = response.status();
    let body = response.body().as_deref().unwrap_or_default();
    let answer: String = String::from_utf8_lossy(body)
        .trim()
        .chars()
        .take(WORDS)
        .collect();
    let may_change = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
    if may_change {
        Ended::broken(format!("{status}: {answer}"))
    } else {
        Ended::Refused {
            status: status.as_u16(),
            answer,
        }
    }
}
