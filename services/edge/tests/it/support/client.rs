use std::net::SocketAddr;

use fanjet_log::Entry;
use futures::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// How a connection ended: the close frame's code and text.
pub(crate) type Closed = Option<(u16, String)>;

/// One subscriber.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    /// Connects; the query goes behind `/subscribe`.
    pub(crate) async fn connect(addr: SocketAddr, query: &str) -> Self {
        Self::try_connect(addr, query).await.unwrap()
    }

    pub(crate) async fn try_connect(addr: SocketAddr, query: &str) -> Result<Self, Error> {
        let stream = TcpStream::connect(addr).await?;
        Self::over(stream, query).await
    }

    /// A client whose system takes little before it reads.
    pub(crate) async fn connect_narrow(addr: SocketAddr, query: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(addr).await.unwrap();
        Self::over(stream, query).await.unwrap()
    }

    /// Connects; returns a response header, too.
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
        (Self { socket }, value)
    }

    async fn over(stream: TcpStream, query: &str) -> Result<Self, Error> {
        let (socket, response) =
            client_async(format!("ws://edge.test/subscribe{query}"), stream).await?;
        assert!(!response.headers().contains_key("sec-websocket-extensions"));
        Ok(Self { socket })
    }

    /// The next event's JSON; control frames are passed over.
    pub(crate) async fn next(&mut self) -> Result<String, Closed> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map(|frame| (frame.code.into(), frame.reason.to_string())));
                }
                Some(Ok(other)) => panic!("unexpected {other:?}"),
                Some(Err(_)) | None => return Err(None),
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
            assert_eq!(text.as_bytes(), &entry.body[..], "seq {}", entry.seq);
        }
    }

    /// Reads to the end: what came, and how it ended.
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
}
