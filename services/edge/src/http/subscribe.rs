//! `GET /subscribe`: the WebSocket.

use std::rc::Rc;

use actix_http::ws::{self, HandshakeError};
use actix_web::http::header::{HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use fanjet_filter::{OptionsError, SubscriberOptions};

use super::admit::admit;
use super::connections::gate_of;
use super::context::HttpContext;
use super::worker::Worker;
use crate::refusal::Refusal;
use crate::sockets::socket_of;
use crate::subscriber::{Served, Session, socket_body};

/// The header that asks for compression, beside `compress=true`.
pub(super) const SOCKET_ENCODING: &str = "socket-encoding";

/// Serves one subscriber, or says why not.
pub(crate) async fn subscribe(
    request: HttpRequest,
    payload: web::Payload,
    context: web::Data<HttpContext>,
    worker: web::Data<Worker>,
) -> HttpResponse {
    match admit(&request, &context.entrance, options, None, upgrade).await {
        Err(refusal) => {
            context.metrics.refused(&refusal);
            refusal.response()
        }
        Ok(mut admitted) => {
            let heartbeat = admitted.options.heartbeat;
            let socket = socket_of(&request);
            let (feed, on_end) = worker.join(admitted.options, admitted.start);
            let feed = feed.over(socket.clone()).within(admitted.permit.replay());
            let member = Rc::clone(feed.member());
            if let (true, Some(socket)) = (context.writes_directly, socket) {
                member.outbox().write_to(socket);
            }
            let served = Served {
                shards: Rc::clone(worker.shards()),
                member,
                on_end,
                heartbeat,
            };
            let (sending, room) = (admitted.permit.sending(), admitted.room.clone());
            let goodbye = Session::start(served, payload, sending, room, &context.sessions);
            let held = (admitted.permit, admitted.room);
            let body = socket_body(feed, held, goodbye, gate_of(&request));
            admitted.response.streaming(body)
        }
    }
}

/// What the request asks for.
fn options(request: &HttpRequest) -> Result<SubscriberOptions, OptionsError> {
    let options = SubscriberOptions::parse(request.query_string())?;
    match request.headers().get(SOCKET_ENCODING) {
        Some(header) => options.with_socket_encoding(header.as_bytes()),
        None => Ok(options),
    }
}

/// 101 with its headers. No subprotocol and no extension, above all no compression, is ever agreed to.
fn upgrade(request: &HttpRequest) -> Result<HttpResponseBuilder, Refusal> {
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
