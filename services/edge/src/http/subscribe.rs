//! `GET /subscribe`: the WebSocket.

use std::rc::Rc;
use std::sync::Arc;

use actix_http::ws::{self, HandshakeError};
use actix_web::http::header::{HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use fanjet_filter::{OptionsError, SubscriberOptions};

use super::admit::{Admitted, admit};
use super::connections::{gate_of, socket_of};
use super::context::HttpContext;
use super::worker::Worker;
use crate::refusal::Refusal;
use crate::subscriber::{Joined, Kind, Subscriber};

/// The header that asks for compression, in addition to `compress=true`.
pub(super) const SOCKET_ENCODING: &str = "socket-encoding";

/// Serves one subscriber or responds with a refusal.
pub(crate) async fn subscribe(
    request: HttpRequest,
    context: web::Data<HttpContext>,
    worker: web::Data<Worker>,
) -> HttpResponse {
    match admit(&request, &context.admit_context, options, None, upgrade).await {
        Err(refusal) => {
            context.metrics.refused(&refusal);
            refusal.response()
        }
        Ok(admitted) => join(&request, &context, &worker, admitted),
    }
}

/// The response to an admitted subscriber, which owns the connection from then on.
pub(super) fn join(
    request: &HttpRequest,
    context: &HttpContext,
    worker: &Worker,
    admitted: Admitted,
) -> HttpResponse {
    let (joined, mut response) = joined(request, context, worker, admitted);
    hand_over(request, joined);
    response.finish()
}

/// An admitted subscriber joins its worker; returns the response that begins its connection.
pub(super) fn joined(
    request: &HttpRequest,
    context: &HttpContext,
    worker: &Worker,
    admitted: Admitted,
) -> (Joined, HttpResponseBuilder) {
    let heartbeat = admitted.options.heartbeat;
    let feed = worker.join(admitted.options, admitted.start);
    let feed = feed
        .with_socket(socket_of(request))
        .with_throttle(admitted.slot.replay());
    let kind = Kind::WebSocket {
        sending: admitted.slot.sending(),
        room: admitted.room,
    };
    let joined = Joined {
        feed,
        shards: Rc::clone(worker.shards()),
        context: Arc::clone(&context.subscribers),
        heartbeat,
        kind,
        held: Box::new(admitted.slot),
    };
    (joined, admitted.response)
}

/// After the response head the subscriber owns the connection.
pub(super) fn hand_over(request: &HttpRequest, joined: Joined) {
    if let Some(gate) = gate_of(request) {
        gate.hand_over(Box::new(|upgraded| {
            Box::pin(Subscriber::new(upgraded, joined))
        }));
    }
}

/// The options of a request.
pub(super) fn options(request: &HttpRequest) -> Result<SubscriberOptions, OptionsError> {
    let options = SubscriberOptions::parse(request.query_string())?;
    match request.headers().get(SOCKET_ENCODING) {
        Some(header) => options.with_socket_encoding(header.as_bytes()),
        None => Ok(options),
    }
}

/// 101 with its headers. Extensions, above all compression, are never negotiated.
pub(super) fn upgrade(request: &HttpRequest) -> Result<HttpResponseBuilder, Refusal> {
    ws::verify_handshake(request.head()).map_err(|error| match error {
        HandshakeError::NoVersionHeader | HandshakeError::UnsupportedVersion => {
            Refusal::UnsupportedVersion
        }
        HandshakeError::BadWebsocketKey => Refusal::BadKey,
        _ => Refusal::NoUpgrade,
    })?;
    let mut keys = request.headers().get_all(SEC_WEBSOCKET_KEY);
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(Refusal::BadKey);
    };
    let accept = ws::hash_key(key.as_bytes());
    let accept = HeaderValue::from_bytes(&accept).map_err(|_| Refusal::BadKey)?;
    let mut response = HttpResponse::SwitchingProtocols();
    response
        .upgrade("websocket")
        .insert_header((SEC_WEBSOCKET_ACCEPT, accept));
    Ok(response)
}
