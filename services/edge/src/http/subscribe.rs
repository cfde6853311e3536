//! `GET /subscribe`: the WebSocket.

use std::rc::Rc;

use actix_http::ws::{self, HandshakeError};
use actix_web::http::header::{HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use fanjet_filter::{OptionsError, SubscriberOptions};

use super::Refusal;
use super::admit::admit;
use super::connections::gate_of;
use super::server::socket_of;
use crate::config::Writer;
use crate::hub::Worker;
use crate::subscriber::{Session, socket_body};

/// The header that asks for compression, beside `compress=true`.
pub(super) const SOCKET_ENCODING: &str = "socket-encoding";

/// Serves one subscriber, or says why not.
pub(crate) async fn subscribe(
    request: HttpRequest,
    payload: web::Payload,
    worker: web::Data<Worker>,
) -> HttpResponse {
    let node = worker.node();
    match admit(&request, node, options, None, upgrade).await {
        Err(refusal) => {
            node.metrics.refused(&refusal);
            refusal.response()
        }
        Ok(mut admitted) => {
            let heartbeat = admitted.options.heartbeat;
            let socket = socket_of(&request);
            let (feed, on_end) = worker.join(admitted.options, admitted.start);
            let feed = feed.over(socket.clone()).within(admitted.permit.replay());
            let shard = Rc::clone(worker.shard());
            let member = Rc::clone(feed.member());
            // Only here: over plain HTTP the server puts something around every piece, and TLS around everything.
            let is_direct =
                node.config.subscriber.writer == Writer::Direct && !node.config.http.is_encrypted();
            if let (true, Some(socket)) = (is_direct, socket) {
                member.outbox().write_to(socket);
            }
            let share = (admitted.permit.sending(), admitted.room.clone());
            let goodbye = Session::start(shard, member, payload, on_end, heartbeat, share, node);
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
