use std::net::SocketAddr;

use fanjet_filter::Encoding;
use fanjet_log::Entry;
use futures::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// How a connection ended: the close frame's code and text.
pub(crate) type Closed = Option<(u16, String)>;

/// One subscriber. It insists on the message type that it asked for.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    encoding: Encoding,
}

impl Client {
    /// Connects; the query follows `/subscribe`.
    pub(crate) async fn connect(addr: SocketAddr, query: &str) -> Self {
        Self::try_connect(addr, query).await.unwrap()
    }

    pub(crate) async fn try_connect(addr: SocketAddr, query: &str) -> Result<Self, Error> {
        let stream = TcpStream::connect(addr).await?;
        Self::over(stream, query, &[]).await
    }

    /// Connects with request headers. A `Socket-Encoding` among them is expected to apply.
    pub(crate) async fn connect_with(
        addr: SocketAddr,
        query: &str,
        headers: &[(&'static str, &'static str)],
    ) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        Self::over(stream, query, headers).await.unwrap()
    }

    /// Connects; only for [`Client::next_message`].
    pub(crate) async fn raw(addr: SocketAddr, query: &str) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        let url = format!("ws://edge.test/subscribe{query}");
        let (socket, _) = client_async(url, stream).await.unwrap();
        Self {
            socket,
            encoding: Encoding::Json,
        }
    }

    /// A client with a small receive buffer.
    pub(crate) async fn connect_narrow(addr: SocketAddr, query: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(addr).await.unwrap();
        Self::over(stream, query, &[]).await.unwrap()
    }

    /// Connects; also returns a response header.
    pub(crate) async fn connect_and_ask(
        addr: SocketAddr,
        query: &str,
        header: &str,
    ) -> (Self, Option<String>) {
        let stream = TcpStream::connect(addr).await.unwrap();
        let url = format!("ws://edge.test/subscribe{query}");
        let (socket, response) = client_async(url, stream).await.unwrap();
        let value = response.headers().get(header);
        let value = value.map(|value| value.to_str().unwrap().to_owned());
        let encoding = fanjet_filter::SubscriberOptions::parse(query.trim_start_matches('?'))
            .unwrap()
            .encoding;
        (Self { socket, encoding }, value)
    }

    /// Connects over an open socket.
    pub(crate) async fn over(
        stream: TcpStream,
        query: &str,
        headers: &[(&'static str, &'static str)],
    ) -> Result<Self, Error> {
        let mut request = format!("ws://edge.test/subscribe{query}").into_client_request()?;
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        let (socket, response) = client_async(request, stream).await?;
        assert!(!response.headers().contains_key("sec-websocket-extensions"));
        let mut options = fanjet_filter::SubscriberOptions::parse(query.trim_start_matches('?'));
        for (_, value) in headers
            .iter()
            .filter(|(name, _)| *name == "Socket-Encoding")
        {
            options = options.and_then(|options| options.with_socket_encoding(value.as_bytes()));
        }
        Ok(Self {
            socket,
            encoding: options.unwrap().encoding,
        })
    }

    /// Sends raw bytes, valid frames or not. Returns `false` when the connection has ended.
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) -> bool {
        self.socket.get_mut().write_all(bytes).await.is_ok()
    }

    /// Its connection.
    pub(crate) fn socket(&self) -> &TcpStream {
        self.socket.get_ref()
    }

    /// The next event's text; control frames are skipped.
    pub(crate) async fn next(&mut self) -> Result<String, Closed> {
        loop {
            match (self.socket.next().await, self.encoding) {
                (Some(Ok(Message::Text(text))), Encoding::Json | Encoding::V0) => {
                    return Ok(text.to_string());
                }
                (Some(Ok(Message::Binary(frame))), Encoding::Zstd) => {
                    return Ok(decompressed(&frame));
                }
                (Some(Ok(Message::Ping(_) | Message::Pong(_))), _) => {}
                (Some(Ok(Message::Close(frame))), _) => {
                    return Err(frame.map(|frame| (frame.code.into(), frame.reason.to_string())));
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

    /// Reads exactly these events next, byte for byte.
    pub(crate) async fn expect<'a>(&mut self, expected: impl IntoIterator<Item = &'a Entry>) {
        for entry in expected {
            let text = self.next().await.unwrap();
            assert_eq!(text, self.text_of(entry), "seq {}", entry.seq);
        }
    }

    /// Reads to the end; returns the events and the close frame.
    pub(crate) async fn read_to_end(&mut self) -> (Vec<String>, Closed) {
        let mut read = Vec::new();
        loop {
            match self.next().await {
                Ok(text) => read.push(text),
                Err(closed) => return (read, closed),
            }
        }
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// The text of an event for this client.
    pub(crate) fn text_of(&self, entry: &Entry) -> String {
        let text = String::from_utf8(entry.body.to_vec()).unwrap();
        if self.encoding != Encoding::V0 {
            return text;
        }
        [
            (r#""kind":"commit","#, r#""type":"com","#),
            (r#""kind":"account","#, r#""type":"acc","#),
            (r#""kind":"identity","#, r#""type":"id","#),
            (r#""operation":"create","#, r#""type":"c","#),
            (r#""operation":"update","#, r#""type":"u","#),
            (r#""operation":"delete","#, r#""type":"d","#),
        ]
        .into_iter()
        .fold(text, |text, (v1, v0)| text.replacen(v1, v0, 1))
    }
}

/// Decompresses like a client with the official dictionary that trusts the frame's content size.
pub(crate) fn decompressed(frame: &[u8]) -> String {
    let size = zstd::zstd_safe::get_frame_content_size(frame);
    let size = size.ok().flatten().unwrap() as usize;
    let mut decompressor =
        zstd::bulk::Decompressor::with_dictionary(fanjet_dictionaries::v1().bytes()).unwrap();
    let json = decompressor.decompress(frame, size).unwrap();
    assert_eq!(json.len(), size);
    String::from_utf8(json).unwrap()
}
