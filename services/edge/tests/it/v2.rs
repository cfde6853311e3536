//! Jetstream v2's stream. Numbers are those of the catalogue in docs/develop/conformance.md, under v2.

mod archive;
mod cursors;
mod dictionary;
mod ends;
mod filters;
mod frames;
mod handshake;

use serde_json::Value;

use crate::support::{Node, body, request};

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";
const XRPC: &str = "/xrpc/network.bsky.jetstream.";
/// Of a WebSocket handshake.
const UPGRADE: &str = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// The status of a response, and the name and the text of its error.
fn error(answer: &str) -> (u16, String, String) {
    let status = answer["HTTP/1.1 ".len()..][..3].parse().unwrap();
    assert!(
        answer
            .to_lowercase()
            .contains("content-type: application/json\r\n"),
        "{answer}"
    );
    let body: Value = serde_json::from_str(body(answer)).unwrap();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (status, text("error"), text("message"))
}

/// A refused subscription: with an upgrade and without, the error is the same.
async fn refusal(node: &Node, query: &str) -> (u16, String, String) {
    let target = format!("{XRPC}subscribeEvents?{query}");
    let plain = error(&request(node, &target, "").await);
    let upgrade = request(node, &target, &format!("{UPGRADE}Connection: Upgrade\r\n")).await;
    assert_eq!(error(&upgrade), plain, "{query}");
    plain
}
