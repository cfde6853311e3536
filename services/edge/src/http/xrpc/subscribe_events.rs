//! `subscribeEvents`: the WebSocket of v2.
//!
//! Every refusal comes before the upgrade, in the reference server's order, also for a request that is no upgrade: so
//! `curl` shows them.

use std::time::Duration;

use actix_web::http::header::{HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use actix_web::{HttpRequest, HttpResponse, web};
use fanjet_event::Cursor;
use fanjet_filter::{Encoding, SubscriberOptions, V2Options};
use fanjet_wire::v2::SUBPROTOCOL;

use super::response::refused;
use crate::http::admit::{Admitted, check_url, claim_filter, find_start, take_slot};
use crate::http::context::HttpContext;
use crate::http::subscribe::{SOCKET_ENCODING, join, upgrade};
use crate::http::worker::Worker;
use crate::refusal::Refusal;
use crate::replay::V2Start;

/// Serves one subscriber, or says why not.
pub(super) async fn subscribe_events(
    request: HttpRequest,
    context: web::Data<HttpContext>,
    worker: web::Data<Worker>,
) -> HttpResponse {
    match admit_v2(&request, &context).await {
        Err(refusal) => {
            context.metrics.refused(&refusal);
            refused(&refusal)
        }
        Ok(admitted) => join(&request, &context, &worker, admitted),
    }
}

async fn admit_v2(request: &HttpRequest, context: &HttpContext) -> Result<Admitted, Refusal> {
    let admit_context = &context.admit_context;
    check_url(request, admit_context.max_url_bytes)?;
    let slot = take_slot(request, admit_context)?;
    let header = request.headers().get(SOCKET_ENCODING);
    let options = V2Options::parse(
        request.query_string(),
        header.map(HeaderValue::as_bytes),
        context.dictionaries.ids(),
    );
    let options = options.map_err(Refusal::InvalidV2)?;
    let pool = &admit_context.tail.pool;
    if !pool.serves(&options.filter) {
        return Err(Refusal::OutsidePool(pool.refusal("collections")));
    }
    let room = claim_filter(admit_context, &slot, &options.filter)?;
    let start = find_start(
        admit_context,
        admit_context.starts.resolve_v2(options.cursor),
    )
    .await?;
    let start = match (start, options.cursor) {
        (V2Start::At(start), _) => start,
        (V2Start::TooOld { floor }, Some(Cursor::Seq(cursor) | Cursor::TimeUs(cursor))) => {
            return Err(Refusal::CursorTooOld { cursor, floor });
        }
        (V2Start::TooOld { floor }, None) => {
            return Err(Refusal::CursorTooOld { cursor: 0, floor });
        }
    };
    let mut response = upgrade(request)?;
    if offers_subprotocol(request) {
        response.insert_header((SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL));
    }
    admit_context.metrics.started(start.kind());
    let options = SubscriberOptions {
        filter: options.filter,
        cursor: options.cursor,
        require_hello: false,
        encoding: match options.dictionary {
            None => Encoding::V2,
            Some(0) => Encoding::V2Zstd,
            Some(_) => Encoding::V2ZstdPrevious,
        },
        heartbeat: None,
        max_delay: Duration::ZERO,
    };
    Ok(Admitted {
        options,
        start,
        slot,
        room,
        response,
    })
}

/// Anywhere in the list, in any header, in exactly this case. A client that does not offer it must not be given it.
fn offers_subprotocol(request: &HttpRequest) -> bool {
    let offers = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
    let mut offers = offers.filter_map(|offer| offer.to_str().ok());
    offers.any(|offer| offer.split(',').any(|one| one.trim() == SUBPROTOCOL))
}
