//! A Jetstream client like those of users: a WebSocket to `/subscribe`.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

/// The default deadline of each wait.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How many bytes may wait for a server that does not read: a filter of maximum size, and pongs.
const MAX_WAITING: usize = 16 << 20;

/// One connected client.
#[derive(Debug)]
pub struct JetstreamClient {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    deadline: Duration,
    events: u64,
    bytes: u64,
    closed: Option<Closed>,
}

/// How the server ended the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The close code; 1005 if the frame had none, 1006 if the connection broke without one.
    pub code: u16,
    /// The reason text.
    pub reason: String,
}

impl JetstreamClient {
    /// Connects to `/subscribe` of `base` (`ws://127.0.0.1:6008`) with query parameters, which are encoded here.
    ///
    /// # Errors
    /// When the server is unreachable or rejects the upgrade; with the status and body of its response.
    pub async fn connect(base: &str, params: &[(&str, &str)]) -> Result<Self> {
        Self::connect_at(base, "/subscribe", params, &[]).await
    }

    /// As [`JetstreamClient::connect`], with request headers.
    ///
    /// # Errors
    /// As [`JetstreamClient::connect`].
    pub async fn connect_with_headers(
        base: &str,
        params: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Result<Self> {
        Self::connect_at(base, "/subscribe", params, headers).await
    }

    /// As [`JetstreamClient::connect_with_headers`], at another path.
    ///
    /// # Errors
    /// As [`JetstreamClient::connect`].
    pub async fn connect_at(
        base: &str,
        path: &str,
        params: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Result<Self> {
        let mut url = Url::parse(base)?.join(path)?;
        if !params.is_empty() {
            url.query_pairs_mut().extend_pairs(params);
        }
        let mut request = url.as_str().into_client_request()?;
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes())?;
            request
                .headers_mut()
                .insert(name, HeaderValue::from_str(value)?);
        }
        let limits = WebSocketConfig::default().max_write_buffer_size(MAX_WAITING);
        let connecting = connect_async_with_config(request, Some(limits), false);
        let connecting = tokio::time::timeout(DEADLINE, connecting);
        let (socket, _response) = connecting
            .await
            .with_context(|| format!("no connection to {url} in {DEADLINE:?}"))?
            .map_err(|error| describe(&url, error))?;
        Ok(Self {
            socket,
            deadline: DEADLINE,
            events: 0,
            bytes: 0,
            closed: None,
        })
    }

    /// Changes the deadline of each wait.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The next event's text.
    ///
    /// # Errors
    /// When the deadline passes, the server closes, or a binary message arrives.
    pub async fn next_event(&mut self) -> Result<String> {
        match self.next_message().await? {
            Message::Text(text) => Ok(text.as_str().to_owned()),
            other => bail!(
                "expected a text message, got {} bytes of binary",
                other.len()
            ),
        }
    }

    /// The next `count` events.
    ///
    /// # Errors
    /// As [`JetstreamClient::next_event`], with the number of events received.
    pub async fn next_events(&mut self, count: usize) -> Result<Vec<String>> {
        let mut events = Vec::with_capacity(count);
        while events.len() < count {
            let event = self.next_event().await;
            events.push(event.with_context(|| format!("after {} of {count}", events.len()))?);
        }
        Ok(events)
    }

    /// The next event of a compressed connection: the bytes of a binary message.
    ///
    /// # Errors
    /// When the deadline passes, the server closes, or a text message arrives.
    pub async fn next_binary(&mut self) -> Result<Bytes> {
        match self.next_message().await? {
            Message::Binary(bytes) => Ok(bytes),
            other => bail!("expected a binary message, got: {other}"),
        }
    }

    /// Sends a text message, for example an options update.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn send(&mut self, text: &str) -> Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    /// Waits until the server closes, and drops events that arrive before.
    ///
    /// # Errors
    /// When it does not close in time.
    pub async fn wait_close(&mut self) -> Result<Closed> {
        let deadline = self.deadline;
        let closing = async {
            while self.closed.is_none() {
                self.step().await;
            }
            self.closed.clone()
        };
        let closed = tokio::time::timeout(deadline, closing).await;
        closed
            .with_context(|| format!("still open after {deadline:?}"))?
            .context("it has closed")
    }

    /// Closes the connection with 1000.
    ///
    /// # Errors
    /// When the connection is broken.
    pub async fn close(mut self) -> Result<()> {
        Ok(self.socket.close(None).await?)
    }

    /// How the server closed, once that was read.
    pub fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// Events received.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Bytes of the events received.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    async fn next_message(&mut self) -> Result<Message> {
        let deadline = self.deadline;
        let next = async {
            loop {
                if let Some(message) = self.step().await {
                    return Ok(message);
                }
                if let Some(Closed { code, reason }) = &self.closed {
                    return Err(anyhow!("the server closed with {code} {reason:?}"));
                }
            }
        };
        match tokio::time::timeout(deadline, next).await {
            Ok(message) => message,
            Err(_) => bail!("no event in {deadline:?}, {} before", self.events),
        }
    }

    /// Reads one message: an event, or `None` for control traffic or the end.
    async fn step(&mut self) -> Option<Message> {
        match self.socket.next().await {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                self.events += 1;
                self.bytes += message.len() as u64;
                return Some(message);
            }
            Some(Ok(Message::Close(frame))) => {
                self.closed = Some(match frame {
                    Some(frame) => Closed {
                        code: frame.code.into(),
                        reason: frame.reason.as_str().to_owned(),
                    },
                    None => Closed {
                        code: 1005,
                        reason: String::new(),
                    },
                });
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => self.broke(error.to_string()),
            None => self.broke("the connection ended".to_owned()),
        }
        None
    }

    /// A connection that ends after a close frame was closed, not broken.
    fn broke(&mut self, reason: String) {
        self.closed.get_or_insert(Closed { code: 1006, reason });
    }
}

fn describe(url: &Url, error: tokio_tungstenite::tungstenite::Error) -> anyhow::Error {
    use tokio_tungstenite::tungstenite::Error;
    match error {
        Error::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            anyhow!(
                "{url} responded {}: {}",
                response.status(),
                String::from_utf8_lossy(body)
            )
        }
        other => anyhow!(other).context(format!("cannot connect to {url}")),
    }
}

#[cfg(test)]
mod tests;
