//! One WebSocket to an upstream.

use std::time::Duration;

use bytes::Bytes;
use fanjet_websocket::tungstenite::{Error, Message};
use fanjet_websocket::{Skipped, Socket};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::time::{Instant, timeout};

use super::connect::Connector;
use super::ended::Ended;
use crate::config::{Endpoint, PipelineConfig, UpstreamConfig};
use crate::labels::Disconnect;

/// The most messages other than frames that are read in one go: few enough that tokio does not preempt the task.
const NO_FRAMES: u32 = 32;

/// An open connection.
pub(crate) struct Connection {
    socket: Socket,
    ping_interval: Duration,
    next_ping: Instant,
    last_sign_of_life: Instant,
    /// The longest time without a frame; `None`: no limit.
    stale_after: Option<Duration>,
    last_frame: Instant,
    /// How many other messages arrived.
    no_frames: u32,
    /// Found after frames that had to be handed on first.
    ended: Option<Ended>,
}

impl Connection {
    /// Connects with `cursor`.
    pub(super) async fn open(
        connector: &Connector,
        endpoint: &Endpoint,
        cursor: Option<u64>,
        config: &UpstreamConfig,
    ) -> Result<Self, Ended> {
        let socket = connector.connect(endpoint, cursor).await?;
        // With several upstreams, a silent one gives way to the next.
        let is_only = config.fallbacks.is_empty() && !config.stale_after.is_zero();
        Ok(Self {
            stale_after: is_only.then_some(config.stale_after),
            ..Self::over(socket, config.ping_interval)
        })
    }

    /// Over a socket that is connected already.
    pub(crate) fn over(socket: Socket, ping_interval: Duration) -> Self {
        let now = Instant::now();
        Self {
            socket,
            ping_interval,
            next_ping: now + ping_interval,
            last_sign_of_life: now,
            stale_after: None,
            last_frame: now,
            no_frames: 0,
            ended: None,
        }
    }

    /// How many oversized messages were skipped since the last call.
    pub(crate) fn take_skipped(&mut self) -> Vec<Skipped> {
        self.socket.get_mut().take_skipped()
    }

    /// The oversized message during which the connection ended.
    pub(crate) fn unfinished(&self) -> Option<Skipped> {
        self.socket.get_ref().unfinished()
    }

    /// Waits for a frame, then takes the frames that arrived after it, within the limits of a batch.
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
            let due = self.next_due();
            tokio::select! {
                // Data that has arrived is a sign of life, however long ago the last read was.
                biased;
                message = self.socket.next() => {
                    if let Some(frame) = self.frame_of(message)? {
                        return Ok(frame);
                    }
                }
                () = tokio::time::sleep_until(due) => {}
            }
            // An upstream that sends nothing but pings, without a pause, must not starve the tasks that are due, here
            // or in the caller, which only runs when this waits.
            self.do_what_is_due().await?;
            self.no_frames = self.no_frames.wrapping_add(1);
            if self.no_frames.is_multiple_of(NO_FRAMES) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// The frame in a message, if any. Text is not a frame, but not a reason to disconnect either: the decoder counts
    /// it.
    fn frame_of(
        &mut self,
        message: Option<Result<Message, Error>>,
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
            Some(Err(error)) => Err(Ended::by(&error)),
            None => Err(Ended::new(
                Disconnect::Closed,
                "closed without a close frame",
            )),
        }
    }

    fn next_due(&self) -> Instant {
        let stale = self.stale_after.map(|after| self.last_frame + after);
        stale.map_or(self.next_ping, |stale| stale.min(self.next_ping))
    }

    async fn do_what_is_due(&mut self) -> Result<(), Ended> {
        let now = Instant::now();
        if self
            .stale_after
            .is_some_and(|after| self.last_frame + after <= now)
        {
            let silence = self.last_frame.elapsed();
            return Err(Ended::new(
                Disconnect::Stale,
                format!("no event for {silence:?}"),
            ));
        }
        if self.next_ping <= now {
            self.ping().await?;
        }
        Ok(())
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
        // A peer that reads nothing must not block us: the next round detects its silence.
        match timeout(
            self.ping_interval,
            self.socket.send(Message::Ping(Bytes::new())),
        )
        .await
        {
            Ok(Err(error)) => Err(Ended::by(&error)),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}
