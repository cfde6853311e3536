//! The part of HTTP/1.1 that a relay's clients need: one GET or short POST per connection, or a WebSocket upgrade.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const MAX_HEAD: usize = 16 * 1024;
const MAX_BODY: usize = 4 * 1024;
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A request's head.
pub(crate) struct Request {
    pub(crate) path: String,
    is_post: bool,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// A whole response.
pub(crate) struct Reply {
    status: u16,
    reason: &'static str,
    location: Option<String>,
    body: String,
}

impl Request {
    fn parse(head: &str) -> Option<Self> {
        let mut lines = head.split("\r\n");
        let line = lines.next()?.strip_suffix(" HTTP/1.1")?;
        let (method, target) = line.split_once(' ')?;
        let is_post = match method {
            "GET" => false,
            "POST" => true,
            _ => return None,
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Some(Self {
            path: path.to_owned(),
            is_post,
            body: Vec::new(),
            query: query.to_owned(),
            headers,
        })
    }

    pub(crate) fn is_post(&self) -> bool {
        self.is_post
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn query_string(&self) -> &str {
        &self.query
    }

    /// The first value of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// The key of a WebSocket upgrade, if this is one.
    pub(crate) fn websocket_key(&self) -> Option<&str> {
        self.header("upgrade")
            .filter(|upgrade| upgrade.eq_ignore_ascii_case("websocket"))?;
        self.header("sec-websocket-key")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Reply {
    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        let reason = match status {
            200 => "OK",
            302 => "Found",
            400 => "Bad Request",
            404 => "Not Found",
            426 => "Upgrade Required",
            _ => "Service Unavailable",
        };
        Self {
            status,
            reason,
            location: None,
            body: body.into(),
        }
    }

    pub(crate) fn redirect(location: String) -> Self {
        Self {
            location: Some(location),
            ..Self::json(302, "")
        }
    }

    pub(crate) fn not_found(message: &str) -> Self {
        Self::error(404, "NotFound", message)
    }

    pub(crate) fn bad_request(message: &str) -> Self {
        Self::error(400, "InvalidRequest", message)
    }

    pub(crate) fn upgrade_required() -> Self {
        Self::error(426, "UpgradeRequired", "this path speaks WebSocket")
    }

    pub(crate) fn busy() -> Self {
        Self::error(503, "Busy", "too many connections")
    }

    pub(crate) fn error(status: u16, error: &str, message: &str) -> Self {
        let body = serde_json::json!({ "error": error, "message": message });
        Self::json(status, body.to_string())
    }
}

/// Reads the head of a request.
pub(crate) async fn read(stream: &mut TcpStream) -> io::Result<Request> {
    let head = tokio::time::timeout(HEAD_TIMEOUT, read_head(stream)).await??;
    let bad = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "neither a GET nor a POST request",
        )
    };
    let end = head.windows(4).position(|part| part == b"\r\n\r\n");
    let (head, body) = head.split_at(end.ok_or_else(bad)? + 4);
    let head = std::str::from_utf8(head).map_err(|_| bad())?;
    let mut request = Request::parse(head).ok_or_else(bad)?;
    let length = request.header("content-length").unwrap_or("0").parse();
    let length = length.ok().filter(|length| *length <= MAX_BODY);
    let length = length.ok_or_else(bad)?;
    request.body = body.to_vec();
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(request)
}

/// Reads up to the empty line, and what arrived with it of a body.
async fn read_head(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(1024);
    while !head.windows(4).any(|part| part == b"\r\n\r\n") {
        if head.len() > MAX_HEAD || stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

/// Responds and closes.
pub(crate) async fn respond(stream: &mut TcpStream, reply: Reply) -> io::Result<()> {
    let Reply {
        status,
        reason,
        location,
        body,
    } = reply;
    let location = location.map_or(String::new(), |at| format!("Location: {at}\r\n"));
    let length = body.len();
    let response = format!(
        "HTTP/1.1 {status} {reason}\r\n{location}Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await
}

/// Accepts an upgrade.
pub(crate) async fn accept_websocket(stream: &mut TcpStream, key: &str) -> io::Result<()> {
    let accept = derive_accept_key(key.as_bytes());
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(response.as_bytes()).await
}
