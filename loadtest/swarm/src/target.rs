//! The server under load, and the text of the handshake.

use std::net::{SocketAddr, ToSocketAddrs};

use url::Url;

use crate::SwarmError;

/// Longer handshake responses are rejected.
const MAX_ANSWER: usize = 16 << 10;
const HEAD_END: &[u8] = b"\r\n\r\n";

/// One server.
#[derive(Debug, Clone)]
pub struct Target {
    /// As given.
    pub url: String,
    /// Its address.
    pub address: SocketAddr,
    host: String,
    path: String,
    query: String,
}

/// The state of a handshake.
#[derive(Debug, PartialEq, Eq)]
pub enum Handshake {
    /// The response is incomplete.
    Incomplete,
    /// The stream starts at this byte.
    Upgraded(usize),
    /// Status and text; our edge names the limit that was reached.
    Rejected(String),
}

impl Target {
    /// Parses `ws://host:port/subscribe?...` and resolves the address. Every connection uses the parameters of the URL.
    ///
    /// # Errors
    /// [`SwarmError::Target`].
    pub fn parse(text: &str) -> Result<Self, SwarmError> {
        let bad = |why: &str| SwarmError::Target(text.to_owned(), why.to_owned());
        let url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
        match url.scheme() {
            "ws" => {}
            "wss" => {
                return Err(bad(
                    "TLS would make the load generator the bottleneck: terminate it in front of the server and use ws://",
                ));
            }
            _ => return Err(bad("expected ws://host:port/subscribe")),
        }
        let host = url.host_str().ok_or_else(|| bad("no host"))?;
        let port = url.port_or_known_default().unwrap_or(80);
        let address = (host.trim_matches(['[', ']']), port)
            .to_socket_addrs()
            .map_err(|error| bad(&error.to_string()))?
            .next()
            .ok_or_else(|| bad("the host has no address"))?;
        let path = match url.path() {
            "/" => "/subscribe",
            path => path,
        };
        Ok(Self {
            url: text.to_owned(),
            address,
            host: format!("{host}:{port}"),
            path: path.to_owned(),
            query: url.query().unwrap_or_default().to_owned(),
        })
    }

    /// The same server's stream of Jetstream v2.
    #[must_use]
    pub fn v2(&self) -> Self {
        Self {
            path: "/xrpc/network.bsky.jetstream.subscribeEvents".to_owned(),
            ..self.clone()
        }
    }

    /// The upgrade request for a stream with these parameters.
    pub fn request(&self, parameters: &str) -> String {
        let joint = match (self.query.is_empty(), parameters.is_empty()) {
            (false, false) => "&",
            _ => "",
        };
        let (path, query, host) = (&self.path, &self.query, &self.host);
        format!(
            "GET {path}?{query}{joint}{parameters} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
    }
}

/// Parses the response to [`Target::request`].
pub fn answer(received: &[u8]) -> Handshake {
    let end = received
        .windows(HEAD_END.len())
        .position(|it| it == HEAD_END);
    let Some(end) = end else {
        return match received.len() {
            0..MAX_ANSWER => Handshake::Incomplete,
            _ => Handshake::Rejected("handshake response too long".to_owned()),
        };
    };
    let head = String::from_utf8_lossy(&received[..end]);
    let status = head.lines().next().unwrap_or_default();
    let code = status.split(' ').nth(1).unwrap_or_default();
    if code == "101" {
        return Handshake::Upgraded(end + HEAD_END.len());
    }
    let body = &received[end + HEAD_END.len()..];
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        value.trim().parse().ok().filter(|_| is_length)
    });
    if body.len() < length.unwrap_or(0).min(MAX_ANSWER) {
        return Handshake::Incomplete;
    }
    let words = String::from_utf8_lossy(body);
    Handshake::Rejected(format!("HTTP {code}: {}", words.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_keep_what_they_ask_for() {
        let target =
            Target::parse("ws://127.0.0.1:6008/subscribe?wantedCollections=a.b.c").unwrap();
        let request = target.request("compress=true");
        assert!(request.starts_with("GET /subscribe?wantedCollections=a.b.c&compress=true HTTP/1.1\r\nHost: 127.0.0.1:6008\r\n"));
        let v2 = target.v2().request("zstdDictionary=1");
        assert!(v2.starts_with("GET /xrpc/network.bsky.jetstream.subscribeEvents?wantedCollections=a.b.c&zstdDictionary=1 "));
        let bare = Target::parse("ws://127.0.0.1:6008").unwrap();
        assert!(bare.request("").starts_with("GET /subscribe? HTTP/1.1\r\n"));
        for bad in [
            "wss://127.0.0.1/subscribe",
            "http://127.0.0.1",
            "127.0.0.1:6008",
        ] {
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn answers_are_read_when_they_are_complete() {
        let upgraded = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n\x81\x00";
        let refused = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\n\r\nfull";
        for length in 0..upgraded.len() - 2 {
            assert_eq!(answer(&upgraded[..length]), Handshake::Incomplete);
        }
        assert_eq!(answer(upgraded), Handshake::Upgraded(upgraded.len() - 2));
        for length in 0..refused.len() {
            assert_eq!(answer(&refused[..length]), Handshake::Incomplete);
        }
        assert_eq!(
            answer(refused),
            Handshake::Rejected("HTTP 429: full".to_owned())
        );
    }
}
