//! A client that writes what the client libraries do not: the server takes any bytes for a subject, and for headers.

use anyhow::{Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::NatsServer;

/// Heads that async-nats cannot parse. It ends the connection at each, and at the last one the task of the connection.
pub const UNREADABLE_HEADS: [&[u8]; 6] = [
    b"NATS/1.0\r\nB: \xff\r\n\r\n",
    b"NATS/1.0\r\nA b: x\r\n\r\n",
    b"NATS/1.0\r\nno colon\r\n\r\n",
    b"no version\r\n\r\n",
    b"NATS/1.0\r\nB: no end",
    b"NATS/1.0\r\nB: x\ry\r\n\r\n",
];

/// Subjects below a root that async-nats cannot parse in front of a message with headers.
pub const UNREADABLE_SUBJECTS: [&[u8]; 2] = [b"\xff", b"a\xc2\xa0b"];

/// A subject and the head of a message.
pub type Message<'a> = (&'a [u8], &'a [u8]);

impl NatsServer {
    /// Publishes messages as they are, in order. The server has taken them when this returns.
    ///
    /// # Errors
    /// When the server refuses, or ends the connection.
    pub async fn publish_bytes(&self, messages: &[Message<'_>]) -> Result<()> {
        let options = serde_json::json!({ "headers": true, "verbose": false });
        self.publish_with(&options, messages).await
    }

    /// As [`NatsServer::publish_bytes`], as one of its users.
    ///
    /// # Errors
    /// As [`NatsServer::publish_bytes`].
    pub async fn publish_bytes_as(
        &self,
        user: &str,
        password: &str,
        messages: &[Message<'_>],
    ) -> Result<()> {
        let options = serde_json::json!({
            "headers": true, "verbose": false, "user": user, "pass": password,
        });
        self.publish_with(&options, messages).await
    }

    async fn publish_with(&self, options: &Value, messages: &[Message<'_>]) -> Result<()> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let mut stream = BufReader::new(stream);
        let body = b"hi";
        let mut words = format!("CONNECT {options}\r\n").into_bytes();
        for (subject, head) in messages {
            let lengths = format!(" {} {}\r\n", head.len(), head.len() + body.len());
            words.extend([b"HPUB ", *subject, lengths.as_bytes(), *head, body, b"\r\n"].concat());
        }
        words.extend_from_slice(b"PING\r\n");
        stream.get_mut().write_all(&words).await?;
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            match line.split_whitespace().next() {
                Some("PONG") => return Ok(()),
                Some("PING") => stream.get_mut().write_all(b"PONG\r\n").await?,
                word => ensure!(word != Some("-ERR"), "the server says {line:?}"),
            }
            line.clear();
        }
        bail!("the server ended the connection")
    }
}
