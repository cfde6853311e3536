use std::net::SocketAddr;

use fanjet_dictionaries::Dictionary;
use fanjet_event::TimeUs;
use fanjet_log::Entry;
use futures::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::client::Closed;

const PATH: &str = "/xrpc/network.bsky.jetstream.subscribeEvents";

/// One subscriber of v2. With a dictionary it insists on binary messages, otherwise on text.
pub(crate) struct V2Client {
    socket: WebSocketStream<TcpStream>,
    dictionary: Option<Dictionary>,
    pub(crate) headers: HeaderMap,
}

impl V2Client {
    /// Connects; the query goes behind the path.
    pub(crate) async fn connect(addr: SocketAddr, query: &str) -> Self {
        Self::connect_with(addr, query, &[]).await.unwrap()
    }

    /// Connects and asks for compressed messages.
    pub(crate) async fn compressed(addr: SocketAddr, query: &str, with: &Dictionary) -> Self {
        let query = format!("{query}&zstdDictionary={}", with.id());
        let mut client = Self::connect(addr, &query).await;
        client.dictionary = Some(with.clone());
        client
    }

    pub(crate) async fn connect_with(
        addr: SocketAddr,
        query: &str,
        headers: &[(&'static str, &'static str)],
    ) -> Result<Self, Error> {
        Self::over(TcpStream::connect(addr).await?, query, headers).await
    }

    /// A client whose system takes little before it reads.
    pub(crate) async fn connect_narrow(addr: SocketAddr, query: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(addr).await.unwrap();
        Self::over(stream, query, &[]).await.unwrap()
    }

    async fn over(
        stream: TcpStream,
        query: &str,
        headers: &[(&'static str, &'static str)],
    ) -> Result<Self, Error> {
        let mut request = format!("ws://edge.test{PATH}?{query}").into_client_request()?;
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            let value = HeaderValue::from_static(value);
            request.headers_mut().append(name, value);
        }
        let (socket, response) = client_async(request, stream).await?;
        Ok(Self {
            socket,
            dictionary: None,
            headers: response.headers().clone(),
        })
    }

    /// The next frame; pings are skipped.
    pub(crate) async fn next(&mut self) -> Result<Value, Closed> {
        loop {
            match (self.socket.next().await, &self.dictionary) {
                (Some(Ok(Message::Text(text))), None) => {
                    return Ok(serde_json::from_str(&text).unwrap());
                }
                (Some(Ok(Message::Binary(frame))), Some(dictionary)) => {
                    return Ok(serde_json::from_slice(&unpacked(&frame, dictionary)).unwrap());
                }
                (Some(Ok(Message::Ping(_) | Message::Pong(_))), _) => {}
                (Some(Ok(Message::Close(frame))), _) => {
                    return Err(frame.map(|frame| (frame.code.into(), frame.reason.to_string())));
                }
                // An error is text on every connection.
                (Some(Ok(Message::Text(text))), Some(_)) if text.contains(r#""error""#) => {
                    return Ok(serde_json::from_str(&text).unwrap());
                }
                (Some(Ok(other)), _) => panic!("unexpected {other:?}"),
                (Some(Err(_)) | None, _) => return Err(None),
            }
        }
    }

    /// The next message of any kind.
    pub(crate) async fn next_message(&mut self) -> Message {
        self.socket.next().await.unwrap().unwrap()
    }

    /// Reads exactly these events next, nothing between them.
    pub(crate) async fn expect<'a>(&mut self, expected: impl IntoIterator<Item = &'a Entry>) {
        for entry in expected {
            assert_eq!(
                self.next().await.unwrap(),
                v2_of(entry),
                "seq {}",
                entry.seq
            );
        }
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }
}

fn unpacked(frame: &[u8], dictionary: &Dictionary) -> Vec<u8> {
    let id = zstd::zstd_safe::get_dict_id_from_frame(frame).map(u32::from);
    assert_eq!(id, Some(dictionary.id()));
    let size = zstd::zstd_safe::get_frame_content_size(frame)
        .unwrap()
        .unwrap();
    let mut decompressor = zstd::bulk::Decompressor::with_dictionary(dictionary.bytes()).unwrap();
    decompressor.decompress(frame, size as usize).unwrap()
}

/// The model: an event of the log as v2 shows it, by parsing its v1 JSON.
pub(crate) fn v2_of(entry: &Entry) -> Value {
    let v1: Value = serde_json::from_slice(&entry.body).unwrap();
    let kind = v1["kind"].as_str().unwrap();
    let time = TimeUs::new(v1["time_us"].as_u64().unwrap()).unwrap();
    let time = fanjet_wire::v2::rfc3339(time).to_vec();
    let mut payload = Map::new();
    payload.insert(
        "$type".into(),
        json!(format!("network.bsky.jetstream.subscribeEvents#{kind}")),
    );
    payload.insert("did".into(), v1["did"].clone());
    payload.insert("seq".into(), json!(entry.seq));
    payload.insert("time".into(), json!(String::from_utf8(time).unwrap()));
    match kind {
        "commit" => payload.extend(v1["commit"].as_object().unwrap().clone()),
        other => {
            payload.insert(other.into(), v1[other].clone());
        }
    }
    json!({"$type": "message", "payload": payload})
}
