//! One WebSocket to an upstream.

use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::connect::{Connector, Socket};
use super::sieve::Skipped;
use crate::config::{Endpoint, PipelineConfig, UpstreamConfig};
use crate::metrics::Disconnect;

/// How a connection ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) why: Disconnect,
    pub(crate) detail: String,
}

impl Ended {
    pub(crate) fn new(why: Disconnect, detail: impl ToString) -> Self {
        Self {
            why,
            detail: detail.to_string(),
        }
    }
}

/// An open connection.
pub(crate) struct Connection {
    socket: Socket,
    ping_interval: Duration,
    next_ping: Instant,
    last_sign_of_life: Instant,
    /// How long no frame may come; `None`: for ever.
    stale_after: Option<Duration>,
    last_frame: Instant,
    /// Found behind frames that had to be handed on first.
    ended: Option<Ended>,
}

impl Connection {
    /// Connects behind `cursor`.
    pub(crate) async fn open(
        connector: &Connector,
        endpoint: &Endpoint,
        cursor: Option<u64>,
        config: &UpstreamConfig,
    ) -> Result<Self, Ended> {
        let socket = connector.connect(endpoint, cursor).await?;
        let now = Instant::now();
        // With several upstreams it is time for another one then.
        let is_only = config.fallbacks.is_empty() && !config.stale_after.is_zero();
        Ok(Self {
            socket,
            ping_interval: config.ping_interval,
            next_ping: now + config.ping_interval,
            last_sign_of_life: now,
            stale_after: is_only.then_some(config.stale_after),
            last_frame: now,
            ended: None,
        })
    }

    /// The messages above the limit that were skipped since the last call.
    pub(crate) fn take_skipped(&mut self) -> Vec<Skipped> {
        self.socket.get_mut().take_skipped()
    }

    /// The message above the limit in which the connection ended.
    pub(crate) fn unfinished(&self) -> Option<Skipped> {
        self.socket.get_ref().unfinished()
    }

    /// Waits for a frame, then takes along what has arrived behind it, within the limits of a batch.
    pub(crate) async fn next_frames(
        &mut self,
        limits: &PipelineConfig,
    ) -> Result<Vec<Bytes>, Ended> {
        let first = self.next_frame().await?;
        let mut bytes = first.len();
        let mut frames = vec![first];
        while frames.len() < limits.batch_frames && bytes < limits.batch_bytes {
            match self
                .socket
                .next()
                .now_or_never()
                .map(|message| self.frame_of(message))
            {
                Some(Ok(Some(frame))) => {
                    bytes += frame.len();
                    frames.push(frame);
                }
                Some(Ok(None)) => {}
                Some(Err(ended)) => {
                    self.ended = Some(ended);
                    break;
                }
                None => break,
            }
        }
        Ok(frames)
    }

    async fn next_frame(&mut self) -> Result<Bytes, Ended> {
        if let Some(ended) = self.ended.take() {
            return Err(ended);
        }
        loop {
            tokio::select! {
                // What has arrived is a sign of life, however long nobody has looked.
                biased;
                message = self.socket.next() => {
                    if let Some(frame) = self.frame_of(message)? {
                        return Ok(frame);
                    }
                }
                () = tokio::time::sleep_until(self.next_ping) => self.ping().await?,
                () = stale(self.last_frame, self.stale_after) => return Err(Ended::new(
                    Disconnect::Stale,
                    format!("no event for {:?}", self.last_frame.elapsed()),
                )),
            }
        }
    }

    /// The frame in a message, if it is one. Text is no frame, but no reason to end either: the decoder counts it.
    fn frame_of(
        &mut self,
        message: Option<Result<Message, tokio_tungstenite::tungstenite::Error>>,
    ) -> Result<Option<Bytes>, Ended> {
        let now = Instant::now();
        self.last_sign_of_life = now;
        if let Some(Ok(Message::Binary(_) | Message::Text(_))) = &message {
            self.last_frame = now;
        }
        match message {
            Some(Ok(Message::Binary(frame))) => Ok(Some(frame)),
            Some(Ok(Message::Text(text))) => Ok(Some(text.into())),
            Some(Ok(Message::Close(close))) => {
                let detail =
                    close.map_or_else(|| "closed".to_owned(), |close| format!("closed: {close}"));
                Err(Ended::new(Disconnect::Closed, detail))
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
            Some(Err(error)) => Err(Ended::new(Disconnect::Broken, error)),
            None => Err(Ended::new(
                Disconnect::Closed,
                "closed without a close frame",
            )),
        }
    }

    async fn ping(&mut self) -> Result<(), Ended> {
        let silence = self.last_sign_of_life.elapsed();
        if silence >= self.ping_interval * 2 {
            return Err(Ended::new(
                Disconnect::Silent,
                format!("no sign of life for {silence:?}"),
            ));
        }
        self.next_ping = Instant::now() + self.ping_interval;
        // A peer that reads nothing must not hold us up: the next round finds it silent.
        match timeout(
            self.ping_interval,
            self.socket.send(Message::Ping(Bytes::new())),
        )
        .await
        {
            Ok(Err(error)) => Err(Ended::new(Disconnect::Broken, error)),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

/// Until no frame has come for too long.
async fn stale(last_frame: Instant, after: Option<Duration>) {
    match after {
        Some(after) => tokio::time::sleep_until(last_frame + after).await,
        None => std::future::pending().await,
    }
}
