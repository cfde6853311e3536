//! `GET /status`, `/status/live` and `/status/collections`: the node about itself, and the cluster about its collections,
//! for programs and for the page.

use std::convert::Infallible;

use actix_web::http::header::{self, ContentType, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures::StreamExt;

use super::Refusal;
use super::client_address::client_address;
use crate::hub::Worker;
use crate::limits::Holder;

/// The newest snapshot, at most about a second old.
pub(crate) async fn status(worker: web::Data<Worker>) -> HttpResponse {
    newest(worker.node().board.shown().json)
}

/// All collections of the cluster, as the leader told it last.
pub(crate) async fn status_collections(worker: web::Data<Worker>) -> HttpResponse {
    newest(worker.node().cluster.told().json())
}

/// Every snapshot from now on, as server-sent events.
pub(crate) async fn status_live(request: HttpRequest, worker: web::Data<Worker>) -> HttpResponse {
    let node = worker.node();
    let client = client_address(&request, &node.config.http.trusted_proxies);
    let draining = node.ending.draining.clone();
    let Some(place) = node.board.viewer(Holder::of(client, None)) else {
        let max = node.config.http.max_status_viewers;
        let refusal = Refusal::TooManyViewers { max };
        node.metrics.refused(&refusal);
        return open(refusal.response());
    };
    let live = node.board.live().map(move |sse| {
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

/// What there is, once there is something: at first nothing was counted, or told by anybody.
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

/// Always asked anew, and readable by pages of any origin, such as a page about a whole cluster.
fn open(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    let any = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    let no_store = HeaderValue::from_static("no-store");
    headers.insert(header::CACHE_CONTROL, no_store);
    response
}
