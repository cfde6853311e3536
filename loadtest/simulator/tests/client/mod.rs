//! A subscriber, and small worlds to subscribe to.

#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::time::Duration;

use fanjet_simulator::{Rate, SimulatorConfig, SimulatorHandle, Source, WorldConfig};
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// No test takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn world() -> WorldConfig {
    WorldConfig {
        seed: 3,
        accounts: 20,
        records_per_repo: 20,
        seq_base: 1000,
        ..WorldConfig::default()
    }
}

pub(crate) fn config() -> SimulatorConfig {
    SimulatorConfig {
        source: Source::World(world()),
        rate: Rate::Max,
        ..SimulatorConfig::default()
    }
}

pub(crate) struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub(crate) async fn connect(simulator: &SimulatorHandle, query: &str) -> Self {
        let url = format!(
            "{}/xrpc/com.atproto.sync.subscribeRepos{query}",
            simulator.url()
        );
        Self(tokio_tungstenite::connect_async(url).await.unwrap().0)
    }

    /// The next frame; `None` when the connection has ended in any way.
    pub(crate) async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await;
            match message.expect("a message or the end")? {
                Ok(Message::Binary(frame)) => return Some(frame.to_vec()),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub(crate) async fn take(&mut self, frames: usize) -> Vec<Vec<u8>> {
        let mut taken = Vec::with_capacity(frames);
        while taken.len() < frames {
            taken.push(self.next().await.expect("more frames"));
        }
        taken
    }

    /// Sends a ping; returns the pong's payload.
    pub(crate) async fn ping(&mut self, payload: &'static [u8]) -> Vec<u8> {
        self.0.send(Message::Ping(payload.into())).await.unwrap();
        let message = tokio::time::timeout(PATIENCE, self.0.next()).await;
        match message.expect("an answer").unwrap().unwrap() {
            Message::Pong(payload) => payload.to_vec(),
            other => panic!("not a pong: {other:?}"),
        }
    }
}

/// A plain GET: status and body.
pub(crate) async fn get(simulator: &SimulatorHandle, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(simulator.address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}
