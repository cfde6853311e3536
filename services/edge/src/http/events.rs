//! `GET /events`: the same events over plain HTTP, as server-sent events or in lines, for browsers and tools that have
//! no WebSocket.

use std::rc::Rc;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use fanjet_filter::{Encoding, OptionsError, SubscriberOptions};
use futures::StreamExt;
use futures::stream::iter;

use super::Refusal;
use super::admit::{CURSOR_CLAMPED, OLDEST_CURSOR, admit};
use super::server::socket_of;
use super::subscribe::SOCKET_ENCODING;
use crate::hub::Worker;
use crate::subscriber::{Session, body, greeting};

const SSE: &str = "text/event-stream";
const NDJSON: &str = "application/x-ndjson";
/// The id of the last event that a reader has which comes back.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies of nginx's kind collect an answer before they pass it on, unless told not to.
const NO_BUFFERING: (&str, &str) = ("x-accel-buffering", "no");

/// Serves one subscriber, or says why not.
pub(crate) async fn events(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let node = worker.node();
    let mut response = match admit(&request, node, options, answer).await {
        Err(refusal) => {
            node.metrics.refused(&refusal);
            refusal.response()
        }
        Ok(mut admitted) => {
            let (encoding, heartbeat) = (admitted.options.encoding, admitted.options.heartbeat);
            let (feed, on_end) = worker.join(admitted.options, admitted.start);
            let feed = feed
                .over(socket_of(&request))
                .within(admitted.permit.replay());
            let shard = Rc::clone(worker.shard());
            let member = Rc::clone(feed.member());
            let first = greeting(encoding, member.outbox().resume());
            Session::start_deaf(shard, member, on_end, heartbeat, node);
            let content_type = match encoding {
                Encoding::Sse => SSE,
                _ => NDJSON,
            };
            admitted.response.content_type(content_type);
            let rest = body(feed, admitted.permit);
            admitted.response.streaming(iter(first.map(Ok)).chain(rest))
        }
    };
    open_to_all(&mut response);
    response
}

/// Any other method: an answer to the question that a browser asks before it sends `Last-Event-ID` from a script,
/// or a refusal.
pub(crate) async fn other_methods(request: HttpRequest) -> HttpResponse {
    let mut response = if request.method() == Method::OPTIONS {
        HttpResponse::NoContent()
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET"))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, LAST_EVENT_ID.as_str()))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
            .finish()
    } else {
        HttpResponse::MethodNotAllowed()
            .insert_header((header::ALLOW, "GET, OPTIONS"))
            .content_type("text/plain; charset=utf-8")
            .body("only GET (the parameters stand in the URL)")
    };
    open_to_all(&mut response);
    response
}

/// What the request asks for.
fn options(request: &HttpRequest) -> Result<SubscriberOptions, OptionsError> {
    let headers = request.headers();
    let mut options = SubscriberOptions::parse_stream(request.query_string(), accepted(request))?;
    if let Some(header) = headers.get(SOCKET_ENCODING) {
        options = options.with_socket_encoding(header.as_bytes())?;
    }
    match headers.get(LAST_EVENT_ID) {
        Some(header) => options.behind_event(header.as_bytes()),
        None => Ok(options),
    }
}

/// Server-sent events for those who name their type, as every browser does that wants them; lines for all others.
fn accepted(request: &HttpRequest) -> Encoding {
    let accepts = request.headers().get_all(header::ACCEPT);
    let types = accepts.filter_map(|field| field.to_str().ok());
    let mut types = types.flat_map(|field| field.split([',', ';']));
    match types.any(|named| named.trim().eq_ignore_ascii_case(SSE)) {
        true => Encoding::Sse,
        false => Encoding::Ndjson,
    }
}

/// 200 with what keeps everything between here and the client from holding events back. The connection ends with the
/// stream, so that a node which drains does not wait for another request.
fn answer(_: &HttpRequest) -> Result<HttpResponseBuilder, Refusal> {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "accept"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header(NO_BUFFERING)
        .force_close();
    Ok(response)
}

/// Pages of any origin may read it, as they may connect to `/subscribe`.
fn open_to_all(response: &mut HttpResponse) {
    let headers = response.headers_mut();
    let any = header::HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    let readable = [OLDEST_CURSOR, CURSOR_CLAMPED, header::RETRY_AFTER.as_str()].join(", ");
    if let Ok(readable) = header::HeaderValue::try_from(readable) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, readable);
    }
}
