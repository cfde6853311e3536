//! Jetstream v2: `network.bsky.jetstream.*`.
//!
//! The stream is the same log, subscribers, limits and metrics as `/subscribe`, in another encoding. There is no archive:
//! plans are empty and say from where on the stream has everything. Errors are JSON objects, as XRPC wants them.

pub(super) mod response;

mod dictionary;
mod archive;
mod plan;
mod subscribe_events;

use actix_web::{HttpRequest, web};

use archive::{get_block, get_segment, list_segments};
use dictionary::get_zstd_dictionary;
use plan::plan_snapshot;
use response::{method_not_allowed, not_implemented, reads};
use subscribe_events::subscribe_events;

/// Where v2's WebSockets are.
pub(super) const SUBSCRIBE_EVENTS: &str = "/xrpc/network.bsky.jetstream.subscribeEvents";

/// The endpoints of v2, and an error for all others of its name.
pub(super) fn endpoints(config: &mut web::ServiceConfig) {
    let read = |path: &str| reads(&format!("/xrpc/network.bsky.jetstream.{path}"));
    let plans = |request: HttpRequest| async move { method_not_allowed(&request, "POST, OPTIONS") };
    config
        .service(read("subscribeEvents").get(subscribe_events))
        .service(read("getZstdDictionary").get(get_zstd_dictionary))
        .service(read("listSegments").get(list_segments))
        .service(read("getSegment").get(get_segment))
        .service(read("getBlock").get(get_block))
        .service(
            web::resource("/xrpc/network.bsky.jetstream.planSnapshot")
                .post(plan_snapshot)
                .default_service(web::to(plans)),
        )
        .service(
            web::resource("/xrpc/network.bsky.jetstream.{method}").default_service(web::to(
                |request: HttpRequest| async move { not_implemented(&request) },
            )),
        );
}
