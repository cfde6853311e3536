//! `GET /status`, `/status/live` and `/status/collections`: the state of the node and the collections of the cluster, for
//! programs and for the page.

use std::convert::Infallible;

use actix_web::http::header::{self, ContentType, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures::StreamExt;

use super::client_address::client_address;
use super::context::HttpContext;
use crate::limits::Holder;
use crate::refusal::Refusal;

/// The newest snapshot, about one second old at most.
pub(crate) async fn status(context: web::Data<HttpContext>) -> HttpResponse {
    newest(context.channel.newest().json)
}

/// All collections of the cluster, from the leader's last snapshot.
pub(crate) async fn status_collections(context: web::Data<HttpContext>) -> HttpResponse {
    newest(context.cluster.leader_snapshot().json())
}

/// Every new snapshot, as server-sent events.
pub(crate) async fn status_live(
    request: HttpRequest,
    context: web::Data<HttpContext>,
) -> HttpResponse {
    let draining = context.draining.clone();
    let client = client_address(&request, &context.admit_context.trusted_proxies);
    let Some(place) = context.channel.viewer(Holder::of(client, None)) else {
        let max = context.max_status_viewers;
        let refusal = Refusal::TooManyViewers { max };
        context.metrics.refused(&refusal);
        return open(refusal.response());
    };
    let live = context.channel.live().map(move |sse| {
        let _held = &place;
        Ok::<_, Infallible>(sse)
    });
    let live = live.take_until(async move { draining.cancelled().await });
    let response = HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header(("x-accel-buffering", "no"))
        .force_close()
        .streaming(live);
    open(response)
}

/// The JSON, or 503 before the first one is available.
fn newest(json: Bytes) -> HttpResponse {
    if json.is_empty() {
        return open(Refusal::NotReady.response());
    }
    open(
        HttpResponse::Ok()
            .content_type(ContentType::json())
            .body(json),
    )
}

/// Not cacheable, and readable by pages of any origin, such as a page about a whole cluster.
fn open(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    let any = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    let no_store = HeaderValue::from_static("no-store");
    headers.insert(header::CACHE_CONTROL, no_store);
    response
}
