//! `GET /subscribe`: the checks, options first as in v1, then the upgrade.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use actix_web_actors::ws;
use fanjet_filter::SubscriberOptions;
use tracing::warn;

use super::Refusal;
use super::admission::Permit;
use super::client_address::client_address;
use crate::edge::Node;
use crate::hub::Worker;
use crate::replay::Start;
use crate::subscriber::{Session, body};

/// The time of the oldest event that can be replayed, as a cursor. Always sent, except right after a node's start.
const OLDEST_CURSOR: &str = "x-fanjet-oldest-cursor";
/// Sent when the cursor is older than that: the replay begins with the oldest event instead.
const CURSOR_CLAMPED: &str = "x-fanjet-cursor-clamped";
/// The header that asks for compression, beside `compress=true`.
const SOCKET_ENCODING: &str = "socket-encoding";

/// Serves one subscriber, or says why not.
pub(crate) async fn subscribe(
    request: HttpRequest,
    payload: web::Payload,
    worker: web::Data<Worker>,
) -> HttpResponse {
    let node = worker.node();
    match admit(&request, node).await {
        Err(refusal) => {
            node.metrics.refused(&refusal);
            refusal.response()
        }
        Ok(mut admitted) => {
            let start = admitted.start;
            node.metrics.started(start);
            tell_window(&mut admitted.response, start, node);
            let heartbeat = admitted.options.heartbeat;
            let (feed, on_end) = worker.join(admitted.options, start);
            let shard = Rc::clone(worker.shard());
            let member = Rc::clone(feed.member());
            Session::start(shard, member, payload, on_end, heartbeat, node);
            admitted.response.streaming(body(feed, admitted.permit))
        }
    }
}

struct Admitted {
    options: SubscriberOptions,
    start: Start,
    permit: Permit,
    /// 101 with its headers. No subprotocol and no extension, above all no compression, is ever agreed to.
    response: HttpResponseBuilder,
}

async fn admit(request: &HttpRequest, node: &Node) -> Result<Admitted, Refusal> {
    let max_bytes = node.config.http.max_url_bytes;
    let target = request.uri().path_and_query();
    if target.is_some_and(|target| target.as_str().len() > max_bytes) {
        return Err(Refusal::UrlTooLong { max_bytes });
    }
    let mut options = SubscriberOptions::parse(request.query_string())
        .and_then(|options| match request.headers().get(SOCKET_ENCODING) {
            Some(header) => options.with_socket_encoding(header.as_bytes()),
            None => Ok(options),
        })
        .map_err(Refusal::InvalidOptions)?;
    if node.ending.draining.is_cancelled() {
        return Err(Refusal::Draining);
    }
    if node.tail.ring.head().end.is_none() {
        return Err(Refusal::NotReady);
    }
    let client = client_address(request, &node.config.http.trusted_proxies);
    let permit = node.admission.admit(client)?;
    if let Some(id) = options.stored_filter {
        // With a place taken, so that no more of these are under way than there are places.
        options.filter = node.filters.get(id).await?;
    }
    // Who says later what it wants is judged then.
    if !options.require_hello && !node.tail.pool.serves(&options.filter) {
        return Err(Refusal::OutsidePool(node.tail.pool.to_string()));
    }
    let response = ws::handshake(request).map_err(|_| Refusal::NoUpgrade)?;
    let start = tokio::select! {
        start = node.starts.resolve(options.cursor) => start,
        // A log that is away must not keep the node from ending.
        () = node.ending.draining.cancelled() => return Err(Refusal::Draining),
    };
    let start = start.map_err(|error| {
        // What it says is for the operator.
        warn!(%error, "cannot find the position of a cursor");
        Refusal::NoStart
    })?;
    if node.ending.draining.is_cancelled() {
        // While the log was asked.
        return Err(Refusal::Draining);
    }
    Ok(Admitted {
        options,
        start,
        permit,
        response,
    })
}

/// Says how far back a cursor can reach, and whether this one asked for more than there is.
fn tell_window(response: &mut HttpResponseBuilder, start: Start, node: &Node) {
    if let Some(oldest) = node.tail.window.oldest().time {
        response.insert_header((OLDEST_CURSOR, oldest.get()));
    }
    if let Start::At { clamped: true, .. } = start {
        response.insert_header((CURSOR_CLAMPED, "true"));
    }
}
