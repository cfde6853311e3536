use std::collections::VecDeque;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};

/// A reader of `/events` that insists on chunked transfer coding and on a body without a proper end: readers that find one do
/// not reconnect.
pub(crate) struct EventStream {
    socket: BufReader<TcpStream>,
    /// Status line and headers, in lower case.
    pub(crate) head: String,
    lines: VecDeque<String>,
    unfinished: Vec<u8>,
    /// As browsers store it.
    pub(crate) last_event_id: String,
    /// The number of comments skipped.
    pub(crate) comments: usize,
    /// In milliseconds, when the server has sent it.
    pub(crate) retry: Option<u64>,
}

/// A server-sent event as a browser dispatches it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SseEvent {
    pub(crate) event: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

impl EventStream {
    /// The query follows `/events`; each header ends with CRLF.
    pub(crate) async fn open(addr: SocketAddr, query: &str, headers: &str) -> Self {
        let socket = TcpStream::connect(addr).await.unwrap();
        Self::over(socket, query, headers).await
    }

    /// A reader with a small receive buffer.
    pub(crate) async fn open_narrow(addr: SocketAddr, query: &str, headers: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Self::over(socket.connect(addr).await.unwrap(), query, headers).await
    }

    /// Server-sent events, as browsers request them.
    pub(crate) async fn sse(addr: SocketAddr, query: &str, last_event_id: &str) -> Self {
        let mut headers = "Accept: text/event-stream\r\n".to_owned();
        if !last_event_id.is_empty() {
            headers.push_str(&format!("Last-Event-ID: {last_event_id}\r\n"));
        }
        let mut stream = Self::open(addr, query, &headers).await;
        stream.expect_header("content-type: text/event-stream; charset=utf-8");
        last_event_id.clone_into(&mut stream.last_event_id);
        stream
    }

    /// With a filter as the body.
    pub(crate) async fn post(addr: SocketAddr, query: &str, headers: &str, body: &str) -> Self {
        let mut socket = TcpStream::connect(addr).await.unwrap();
        let length = body.len();
        let head = format!(
            "POST /events{query} HTTP/1.1\r\nHost: edge.test\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        socket.write_all(head.as_bytes()).await.unwrap();
        socket.write_all(body.as_bytes()).await.unwrap();
        Self::answered(socket).await
    }

    async fn over(mut socket: TcpStream, query: &str, headers: &str) -> Self {
        let head = format!("GET /events{query} HTTP/1.1\r\nHost: edge.test\r\n{headers}\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        Self::answered(socket).await
    }

    /// Reads the response head.
    pub(crate) async fn answered(socket: TcpStream) -> Self {
        let mut socket = BufReader::with_capacity(1 << 12, socket);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(socket.read_line(&mut head).await.unwrap(), 0, "{head}");
        }
        let stream = Self {
            socket,
            head: head.to_lowercase(),
            lines: VecDeque::new(),
            unfinished: Vec::new(),
            last_event_id: String::new(),
            comments: 0,
            retry: None,
        };
        stream.expect_header("http/1.1 200 ok");
        stream.expect_header("transfer-encoding: chunked");
        stream
    }

    pub(crate) fn expect_header(&self, line: &str) {
        let found = self.head.lines().any(|found| found == line);
        assert!(found, "{line}: {}", self.head);
    }

    /// One header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The next line of the body without its end; `None` when the body is cut off after a whole chunk.
    pub(crate) async fn line(&mut self) -> Option<String> {
        while self.lines.is_empty() {
            let mut length = String::new();
            if self.socket.read_line(&mut length).await.unwrap() == 0 {
                assert_eq!(self.unfinished, b"", "ends within a line");
                return None;
            }
            assert!(length.ends_with("\r\n"), "cut off: {length:?}");
            let length = usize::from_str_radix(length.trim_end(), 16).unwrap();
            assert_ne!(length, 0, "a proper end");
            let mut chunk = vec![0; length + 2];
            self.socket.read_exact(&mut chunk).await.unwrap();
            assert!(chunk.ends_with(b"\r\n"));
            chunk.truncate(length);
            self.unfinished.extend_from_slice(&chunk);
            while let Some(end) = self.unfinished.iter().position(|&byte| byte == b'\n') {
                let line: Vec<_> = self.unfinished.drain(..=end).collect();
                let line = String::from_utf8(line[..end].to_vec()).unwrap();
                self.lines.push_back(line);
            }
        }
        self.lines.pop_front()
    }

    /// The next event of a page's `onmessage`, or a named one other than `start`.
    pub(crate) async fn event(&mut self) -> Option<SseEvent> {
        loop {
            let event = self.any_event().await?;
            if event.event != "start" {
                return Some(event);
            }
        }
    }

    /// The next event that a browser would dispatch. Every block must be one: several libraries treat it so.
    pub(crate) async fn any_event(&mut self) -> Option<SseEvent> {
        let mut event = SseEvent::default();
        let mut data: Option<String> = None;
        let mut id = None;
        while let Some(line) = self.line().await {
            let (field, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "" if line.is_empty() => {
                    if let Some(id) = id.take() {
                        self.last_event_id = id;
                    }
                    event.data = data.expect("a block without data");
                    event.id.clone_from(&self.last_event_id);
                    return Some(event);
                }
                "" => self.comments += 1,
                "id" => id = Some(value.to_owned()),
                "retry" => self.retry = Some(value.parse().unwrap()),
                "event" => value.clone_into(&mut event.event),
                "data" => match &mut data {
                    Some(data) => panic!("more than one line: {data} {value}"),
                    None => data = Some(value.to_owned()),
                },
                other => panic!("unexpected field {other}: {line}"),
            }
        }
        None
    }

    /// Reads exactly these server-sent events next, byte for byte.
    pub(crate) async fn expect_sse<'a>(
        &mut self,
        expected: impl IntoIterator<Item = &'a fanjet_log::Entry>,
    ) {
        for entry in expected {
            let expected = SseEvent {
                event: String::new(),
                id: entry.time().unwrap().to_string(),
                data: String::from_utf8(entry.body.to_vec()).unwrap(),
            };
            assert_eq!(self.event().await, Some(expected), "seq {}", entry.seq);
        }
    }

    /// Reads exactly these lines next, byte for byte.
    pub(crate) async fn expect_lines<'a>(
        &mut self,
        expected: impl IntoIterator<Item = &'a fanjet_log::Entry>,
    ) {
        for entry in expected {
            let line = self.line().await.unwrap();
            assert_eq!(line.as_bytes(), &entry.body[..], "seq {}", entry.seq);
        }
    }
}
