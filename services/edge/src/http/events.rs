//! `/events`: the event stream over plain HTTP, as server-sent events or NDJSON, for browsers and tools without WebSocket. GET
//! takes the filter from the URL, POST from the body.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use fanjet_filter::{Encoding, OptionsError, SubscriberOptions};
use fanjet_http::allow;

use super::admit::{Admitted, CURSOR_CLAMPED, OLDEST_CURSOR, admit};
use super::connections::socket_of;
use super::context::HttpContext;
use super::endless::{endless, is_chunked};
use super::subscribe::{SOCKET_ENCODING, hand_over};
use super::worker::Worker;
use crate::outbox::stream_start;
use crate::refusal::Refusal;
use crate::replay::Start;
use crate::subscriber::{Joined, Kind};

/// The media type that clients ask for.
const EVENT_STREAM: &str = "text/event-stream";
// Without a charset some libraries decode text as Latin-1.
const SSE: &str = "text/event-stream; charset=utf-8";
const NDJSON: &str = "application/x-ndjson; charset=utf-8";
/// The id of the last event that a reconnecting client received.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// How far the clock of ingest may be behind this node's clock. Used for clients that reconnect with only a time.
const CLOCK_SLACK_US: u64 = 60_000_000;
/// The supported methods.
const METHODS: &str = "GET, HEAD, POST, OPTIONS";
/// Headers that cross-origin scripts may send.
const SETTABLE: &str = "authorization, content-type, last-event-id";
/// Proxies such as nginx buffer a response unless this header disables it.
const NO_BUFFERING: (&str, &str) = ("x-accel-buffering", "no");

/// Serves one subscriber or responds with a refusal.
pub(crate) async fn events(
    request: HttpRequest,
    context: web::Data<HttpContext>,
    worker: web::Data<Worker>,
) -> HttpResponse {
    serve(&request, None, &context, &worker).await
}

/// As [`events`], with a filter in the body, which may be too long for a URL.
pub(crate) async fn posted_events(
    request: HttpRequest,
    body: web::Payload,
    context: web::Data<HttpContext>,
    worker: web::Data<Worker>,
) -> HttpResponse {
    serve(&request, Some(body), &context, &worker).await
}

async fn serve(
    request: &HttpRequest,
    body: Option<web::Payload>,
    context: &HttpContext,
    worker: &Worker,
) -> HttpResponse {
    let admitted = admit(request, &context.admit_context, options, body, |_| {
        Ok(answer())
    });
    let mut response = match admitted.await {
        Err(refusal) => {
            context.metrics.refused(&refusal);
            refused(request, &refusal)
        }
        Ok(admitted) => stream(request, admitted, context, worker),
    };
    open_to_all(&mut response);
    response
}

/// The response head for one subscriber, whose connection is handed over after it.
fn stream(
    request: &HttpRequest,
    mut admitted: Admitted,
    context: &HttpContext,
    worker: &Worker,
) -> HttpResponse {
    let (encoding, heartbeat) = (admitted.options.encoding, admitted.options.heartbeat);
    let is_live = admitted.start == Start::Live;
    let feed = worker.join(admitted.options, admitted.start);
    let feed = feed
        .with_socket(socket_of(request))
        .with_throttle(admitted.slot.replay());
    // A client that named a cursor repeats it when it reconnects.
    let place = is_live.then(|| {
        let resume = feed.member().outbox().resume();
        resume.unwrap_or(context.clock.now_us().saturating_sub(CLOCK_SLACK_US))
    });
    let first = stream_start(encoding, place);
    let kind = Kind::Stream {
        is_chunked: is_chunked(request.version()),
    };
    let joined = Joined {
        feed,
        shards: Rc::clone(worker.shards()),
        context: Arc::clone(&context.subscribers),
        heartbeat,
        kind,
        held: Box::new((admitted.slot, admitted.room)),
    };
    hand_over(request, joined);
    let content_type = match encoding {
        Encoding::Sse => SSE,
        _ => NDJSON,
    };
    admitted.response.content_type(content_type);
    endless(admitted.response, request.version(), first)
}

/// `EventSource` reconnects only after a 200 response, so a temporary refusal is sent as a stream.
fn refused(request: &HttpRequest, refusal: &Refusal) -> HttpResponse {
    let is_event_source = || {
        accepted(request) == Encoding::Sse
            && options(request).is_ok_and(|asked| asked.encoding == Encoding::Sse)
    };
    if !refusal.is_temporary() || !is_event_source() {
        return refusal.response();
    }
    let mut response = answer();
    response.content_type(SSE);
    endless(response, request.version(), Some(refusal.event_stream()))
}

/// Any other method: answers the preflight request of a browser, or refuses.
pub(crate) async fn other_methods(request: HttpRequest) -> HttpResponse {
    let mut response = allow(&request, METHODS);
    if response.status().is_success() {
        let headers = response.headers_mut();
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, SETTABLE),
            (header::ACCESS_CONTROL_MAX_AGE, "86400"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    open_to_all(&mut response);
    response
}

/// The options of a request.
fn options(request: &HttpRequest) -> Result<SubscriberOptions, OptionsError> {
    let headers = request.headers();
    let (query, usual) = (request.query_string(), accepted(request));
    let mut options = match *request.method() {
        Method::POST => SubscriberOptions::parse_posted(query, usual)?,
        _ => SubscriberOptions::parse_stream(query, usual)?,
    };
    if let Some(header) = headers.get(SOCKET_ENCODING) {
        options = options.with_socket_encoding(header.as_bytes())?;
    }
    let last_events = headers.get_all(LAST_EVENT_ID).map(HeaderValue::as_bytes);
    options.behind_event(query, last_events)
}

/// Server-sent events for clients that accept their media type, as browsers do; NDJSON for all others.
fn accepted(request: &HttpRequest) -> Encoding {
    let accepts = request.headers().get_all(header::ACCEPT);
    let types = accepts.filter_map(|field| field.to_str().ok());
    let mut types = types.flat_map(|field| field.split([',', ';']));
    match types.any(|named| named.trim().eq_ignore_ascii_case(EVENT_STREAM)) {
        true => Encoding::Sse,
        false => Encoding::Ndjson,
    }
}

/// 200 with headers that keep intermediaries from buffering events.
fn answer() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "accept"))
        .insert_header(NO_BUFFERING);
    response
}

/// Pages of any origin may read the response, as they may connect to `/subscribe`.
fn open_to_all(response: &mut HttpResponse) {
    let headers = response.headers_mut();
    let any = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    let readable = [OLDEST_CURSOR, CURSOR_CLAMPED, header::RETRY_AFTER.as_str()].join(", ");
    if let Ok(readable) = HeaderValue::try_from(readable) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, readable);
    }
}
