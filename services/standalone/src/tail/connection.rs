//! One WebSocket to a Jetstream server.

use std::time::Duration;

use bytes::Bytes;
use fanjet_websocket::tungstenite::{self, Message};
use fanjet_websocket::{Skipped, Socket};
use fanjet_wire::envelope::Envelope;
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use url::Url;

use super::zstd::Unpacker;
use crate::terminal::printable;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longer messages are skipped: larger events than any Jetstream server sends.
const MAX_MESSAGE: usize = 8 << 20;

/// How much of a server's own words is shown, in characters.
const WORDS: usize = 300;

const SECOND: Duration = Duration::from_secs(1);

/// A server that is silent for so long is pinged, and after twice as long it counts as gone.
const PING_AFTER: Duration = Duration::from_secs(30);

/// How a connection ended, or why there is none.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It can be tried again.
    Broken(String),
    /// The server is there and asks to come back later.
    Busy(String),
    /// The server answered with an HTTP status that will not change.
    Refused { status: u16, answer: String },
}

/// What happens next.
#[derive(Debug)]
pub(crate) enum Next {
    /// The JSON of one event.
    Event(Bytes),
    /// A message that is no Jetstream event: what it is.
    Foreign(String),
    /// Another second has passed.
    Second,
}

/// An open connection.
pub(crate) struct Connection {
    socket: Socket,
    unpacker: Unpacker,
    second: Interval,
    last_sign_of_life: Instant,
    last_ping: Instant,
}

impl Connection {
    pub(crate) async fn open(url: &Url) -> Result<Self, Ended> {
        let connecting = fanjet_websocket::connect(url, MAX_MESSAGE, time_at_beginning);
        let socket = timeout(CONNECT_TIMEOUT, connecting)
            .await
            .map_err(|_| Ended::Broken(format!("no answer within {CONNECT_TIMEOUT:?}")))?
            .map_err(refusal)?;
        let now = Instant::now();
        let mut second = interval_at(now + SECOND, SECOND);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            socket,
            unpacker: Unpacker::new().map_err(|error| Ended::Broken(error.to_string()))?,
            second,
            last_sign_of_life: now,
            last_ping: now,
        })
    }

    /// Waits for the next event or the next second.
    pub(crate) async fn next(&mut self) -> Result<Next, Ended> {
        loop {
            tokio::select! {
                message = self.socket.next() => {
                    if let Some(next) = self.taken(message)? {
                        return Ok(next);
                    }
                }
                _ = self.second.tick() => {
                    self.keep_alive().await?;
                    return Ok(Next::Second);
                }
            }
        }
    }

    /// What has arrived already.
    pub(crate) fn arrived(&mut self) -> Result<Option<Next>, Ended> {
        while let Some(message) = self.socket.next().now_or_never() {
            if let Some(next) = self.taken(message)? {
                return Ok(Some(next));
            }
        }
        Ok(None)
    }

    /// The messages that were too long to be read, since the last call.
    pub(crate) fn take_skipped(&mut self) -> Vec<Skipped> {
        self.socket.get_mut().take_skipped()
    }

    /// The one in which the connection ended: it may never have an end.
    pub(crate) fn unfinished(&self) -> Option<Skipped> {
        self.socket.get_ref().unfinished()
    }

    /// Says good-bye. A server that does not answer is not waited for.
    pub(crate) async fn close(mut self) {
        let closing = timeout(SECOND, self.socket.close(None));
        drop(closing.await);
    }

    fn taken(
        &mut self,
        message: Option<Result<Message, tungstenite::Error>>,
    ) -> Result<Option<Next>, Ended> {
        self.last_sign_of_life = Instant::now();
        match message {
            Some(Ok(Message::Text(event))) => Ok(Some(Next::Event(event.into()))),
            Some(Ok(Message::Binary(frame))) => Ok(Some(match self.unpacker.unpack(&frame) {
                Ok(event) => Next::Event(Bytes::copy_from_slice(event)),
                Err(error) => Next::Foreign(format!(
                    "a binary message that is no zstd frame made with Jetstream's dictionary: {error}"
                )),
            })),
            Some(Ok(Message::Close(Some(close)))) => Err(Ended::Broken(format!(
                "closed with {}: {}",
                u16::from(close.code),
                printable(&close.reason, WORDS)
            ))),
            Some(Ok(Message::Close(None))) => Err(Ended::Broken("closed".to_owned())),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
            Some(Err(error)) => Err(Ended::Broken(error.to_string())),
            None => Err(Ended::Broken("closed without a close frame".to_owned())),
        }
    }

    async fn keep_alive(&mut self) -> Result<(), Ended> {
        let silence = self.last_sign_of_life.elapsed();
        if silence >= PING_AFTER * 2 {
            return Err(Ended::Broken(format!("no sign of life for {silence:.0?}")));
        }
        if silence < PING_AFTER || self.last_ping.elapsed() < PING_AFTER {
            return Ok(());
        }
        self.last_ping = Instant::now();
        // A server that reads nothing must not hold us up: it is found silent later.
        match timeout(PING_AFTER, self.socket.send(Message::Ping(Bytes::new()))).await {
            Ok(Err(error)) => Err(Ended::Broken(error.to_string())),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

/// The time of the event of which this is the beginning.
fn time_at_beginning(message: &[u8]) -> Option<u64> {
    Envelope::of(message).map(|envelope| envelope.time.get())
}

fn refusal(error: tungstenite::Error) -> Ended {
    let tungstenite::Error::Http(response) = error else {
        return Ended::Broken(error.to_string());
    };
    let status = response.status();
    let body = response.body().as_deref().unwrap_or_default();
    let answer = printable(String::from_utf8_lossy(body).trim(), WORDS);
    let may_change = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
    if may_change {
        Ended::Busy(format!("{status}: {answer}"))
    } else {
        Ended::Refused {
            status: status.as_u16(),
            answer,
        }
    }
}
