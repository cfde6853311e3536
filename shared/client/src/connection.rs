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
/// How long a message of ours may take to be sent.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a server may take to answer a good-bye.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// A server that is silent for so long is pinged, and after twice as long it counts as gone.
const PING_AFTER: Duration = Duration::from_secs(30);
/// Longer messages are skipped: larger events than any Jetstream server sends.
const MAX_MESSAGE: usize = 8 << 20;
/// How much is shown of a server's own words, in characters.
const WORDS: usize = 300;

/// How a connection ended, or why there is none.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It can be tried again.
    Broken { reason: String, was_reached: bool },
    /// The server answered with an HTTP status that will not change.
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

/// What came.
#[derive(Debug)]
pub(crate) enum Came {
    /// The JSON of an event.
    Json(Bytes),
    /// What is no event: in words.
    Unreadable(String),
    /// A message that was too long to be read.
    Skipped(Skipped),
}

/// An open connection.
pub(crate) struct Connection {
    socket: Socket,
    unpacker: Option<Unpacker>,
    last_sign_of_life: Instant,
    next_look: Instant,
    skipped: Vec<Skipped>,
    /// Found behind a message that was too long and that had to be told first.
    ended: Option<Ended>,
}

impl Connection {
    pub(crate) async fn open(url: Url) -> Result<Self, Ended> {
        let connecting = fanjet_websocket::connect(&url, MAX_MESSAGE, time_at_beginning);
        let socket = timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| Ended::unreachable(format!("no answer within {CONNECT_TIMEOUT:?}")))?
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

    /// Waits for what comes next. Giving up waiting loses nothing.
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
                            // It may never have an end: it must be known before the next connection is made.
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

    /// Sends a message of our own.
    pub(crate) async fn send(&mut self, text: String) -> Result<(), Ended> {
        self.socket.get_mut().get_mut().allow_message(text.len());
        match timeout(SEND_TIMEOUT, self.socket.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Ended::broken(error)),
            Err(_) => Err(Ended::broken(format!(
                "the server takes nothing for {SEND_TIMEOUT:?}"
            ))),
        }
    }

    /// Says good-bye. A server that does not answer is not waited for.
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
                        "a binary message that is no zstd frame made with Jetstream's dictionary: {error}"
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
            return Err(Ended::broken(format!("no sign of life for {silence:.0?}")));
        }
        if silence < PING_AFTER {
            self.next_look = self.last_sign_of_life + PING_AFTER;
            return Ok(());
        }
        self.next_look = Instant::now() + PING_AFTER;
        // A server that reads nothing must not hold us up: it is found silent later.
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
