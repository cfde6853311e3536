//! Subscribers whose connection is a pair of buffers. Every check but those of the TCP connection applies.

use std::net::SocketAddr;
use std::rc::Rc;

use actix_web::test::TestRequest;
use bytes::Bytes;
use fanjet_http::Upgraded;
use tokio::io::{DuplexStream, duplex};

use super::admit::admit;
use super::context::HttpContext;
use super::subscribe::{joined, options, upgrade};
use super::worker::Worker;
use crate::refusal::Refusal;
use crate::subscriber::Subscriber;

/// Admits a subscriber; returns it with the client's end of its connection, of which each direction holds `buffer` bytes.
///
/// # Errors
/// [`Refusal`].
pub(crate) async fn subscribe_without_socket(
    target: &str,
    client: SocketAddr,
    buffer: usize,
    context: &HttpContext,
    worker: &Worker,
) -> Result<(Subscriber<DuplexStream>, DuplexStream), Refusal> {
    let request = TestRequest::with_uri(target)
        .peer_addr(client)
        .insert_header(("connection", "upgrade"))
        .insert_header(("upgrade", "websocket"))
        .insert_header(("sec-websocket-version", "13"))
        .insert_header(("sec-websocket-key", "c2ltdWxhdGVkIHNvY2tldA=="))
        .to_http_request();
    let admitted = admit(&request, &context.admit_context, options, None, upgrade).await;
    let admitted = admitted.inspect_err(|refusal| context.metrics.refused(refusal))?;
    let (joined, _response) = joined(&request, context, worker, admitted);
    let (client, stream) = duplex(buffer);
    let upgraded = Upgraded {
        stream,
        early: Bytes::new(),
        is_overrun: Rc::default(),
    };
    Ok((Subscriber::new(upgraded, joined), client))
}
