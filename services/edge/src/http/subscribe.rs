//! `GET /subscribe`: the checks, options first as in v1, then the upgrade.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use actix_web_actors::ws;
use fanjet_filter::SubscriberOptions;

use super::Refusal;
use super::admission::Permit;
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
    let admitted = match admit(&request, node) {
        Ok(admitted) => found(admitted, node).await,
        Err(refusal) => Err(refusal),
    };
    match admitted {
        Err(refusal) => {
            node.metrics.refused(&refusal);
            refusal.response()
        }
        Ok((mut admitted, start)) => {
            node.metrics.started(start);
            tell_window(&mut admitted.response, start, node);
            let (feed, on_end) = worker.join(admitted.options, start);
            let shard = Rc::clone(worker.shard());
            let member = Rc::clone(feed.member());
            Session::start(shard, member, payload, on_end, node);
            admitted.response.streaming(body(feed, admitted.permit))
        }
    }
}

struct Admitted {
    options: SubscriberOptions,
    permit: Permit,
    /// 101 with its headers. No subprotocol and no extension, above all no compression, is ever agreed to.
    response: HttpResponseBuilder,
}

fn admit(request: &HttpRequest, node: &Node) -> Result<Admitted, Refusal> {
    let max_bytes = node.config.http.max_url_bytes;
    let target = request.uri().path_and_query();
    if target.is_some_and(|target| target.as_str().len() > max_bytes) {
        return Err(Refusal::UrlTooLong { max_bytes });
    }
    let options = SubscriberOptions::parse(request.query_string())
        .and_then(|options| match request.headers().get(SOCKET_ENCODING) {
            Some(header) => options.with_socket_encoding(header.as_bytes()),
            None => Ok(options),
        })
        .map_err(Refusal::InvalidOptions)?;
    // Who says later what it wants is judged then.
    if !options.require_hello && !node.tail.pool.serves(&options.filter) {
        return Err(Refusal::OutsidePool(node.tail.pool.to_string()));
    }
    if node.stop.is_cancelled() {
        return Err(Refusal::Draining);
    }
    if node.tail.ring.head().end.is_none() {
        return Err(Refusal::NotReady);
    }
    let permit = node.admission.admit().ok_or(Refusal::NodeFull {
        max_subscribers: node.admission.max(),
    })?;
    let response = ws::handshake(request).map_err(|_| Refusal::NoUpgrade)?;
    Ok(Admitted {
        options,
        permit,
        response,
    })
}

/// Finds where the client starts, which may need the log.
async fn found(admitted: Admitted, node: &Node) -> Result<(Admitted, Start), Refusal> {
    let start = node.starts.resolve(admitted.options.cursor).await;
    let start = start.map_err(|error| Refusal::NoStart(error.to_string()))?;
    if node.stop.is_cancelled() {
        return Err(Refusal::Draining);
    }
    Ok((admitted, start))
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
