//! A scripted Jetstream server that misbehaves on request.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use crate::harness::PATIENCE;

/// A server that a test controls step by step.
pub(crate) struct ScriptedServer {
    listener: TcpListener,
}

/// One accepted client.
pub(crate) struct Client {
    /// The query of its request.
    pub(crate) query: String,
    socket: WebSocketStream<TcpStream>,
}

impl ScriptedServer {
    pub(crate) async fn start() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.listener.local_addr().unwrap())
    }

    /// Upgrades the next connection.
    #[allow(
        clippy::result_large_err,
        reason = "the callback's type is the library's"
    )]
    pub(crate) async fn accept(&self) -> Client {
        let stream = self.next_stream().await;
        let mut query = String::new();
        let note_query = |request: &Request, response: Response| {
            query = request.uri().query().unwrap_or_default().to_owned();
            Ok(response)
        };
        let socket = accept_hdr_async(stream, note_query).await.unwrap();
        Client { query, socket }
    }

    /// Answers the next connection with plain HTTP.
    pub(crate) async fn answer(&self, status: &str, body: &str) {
        let mut stream = self.next_stream().await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_buf(&mut head).await.unwrap();
        }
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    }

    async fn next_stream(&self) -> TcpStream {
        let accepted = tokio::time::timeout(PATIENCE, self.listener.accept()).await;
        accepted.unwrap().unwrap().0
    }
}

impl Client {
    pub(crate) async fn send(&mut self, message: impl Into<Message>) {
        self.socket.send(message.into()).await.unwrap();
    }

    /// Sends events with these times.
    pub(crate) async fn send_events(&mut self, times: impl IntoIterator<Item = u64>) {
        for time in times {
            self.send(event(time).as_str()).await;
        }
    }

    /// Announces a text message of `bytes` bytes and sends only its beginning.
    pub(crate) async fn announce(&mut self, bytes: u64, beginning: &[u8]) {
        self.socket.flush().await.unwrap();
        let stream = self.socket.get_mut();
        let head = [&[0x81, 127][..], &bytes.to_be_bytes()].concat();
        stream
            .write_all(&[&head, beginning].concat())
            .await
            .unwrap();
        stream.flush().await.unwrap();
    }

    /// Sends pings until the pongs exceed the buffers of both kernels, or until the client disconnects.
    pub(crate) async fn ping_without_reading(&mut self) {
        let ping = [&[0x89, 125][..], &[b'?'; 125]].concat();
        let pings = ping.repeat(512);
        for _ in 0..(64 << 20) / pings.len() {
            if self.socket.get_mut().write_all(&pings).await.is_err() {
                return;
            }
        }
        std::future::pending().await
    }

    /// Closes with a code and a reason.
    pub(crate) async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame {
            code: code.into(),
            reason: reason.into(),
        };
        self.socket.close(Some(frame)).await.unwrap();
        self.read_to_end().await;
    }

    /// Reads until the client disconnects.
    pub(crate) async fn read_to_end(&mut self) {
        let reading = async { while let Some(Ok(_)) = self.socket.next().await {} };
        tokio::time::timeout(Duration::from_secs(60), reading)
            .await
            .unwrap();
    }
}

/// A small event.
pub(crate) fn event(time_us: u64) -> String {
    format!(
        r#"{{"did":"did:plc:abc","time_us":{time_us},"kind":"commit","commit":{{"rev":"3mptbyp63ih2m","operation":"create","collection":"app.bsky.feed.post","rkey":"3m3q3ut7jsm2m","record":{{"text":"hello {time_us}"}}}}}}"#
    )
}
