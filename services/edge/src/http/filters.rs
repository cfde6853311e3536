//! `POST /subscribe/filters`: keeps a filter that is too long for a URL, or shared by many connections.

use actix_web::http::header::{self, ContentType};
use actix_web::{HttpResponse, web};

use super::Refusal;
use super::stored_filters::Stored;
use crate::edge::Node;
use crate::hub::Worker;

/// Stores the filter in the body, or says why not.
pub(crate) async fn store_filter(payload: web::Payload, worker: web::Data<Worker>) -> HttpResponse {
    let node = worker.node();
    let mut response = match store(payload, node).await {
        Ok(Stored { id, expires_at }) => {
            node.metrics.filter_stored();
            HttpResponse::Created()
                .content_type(ContentType::json())
                .body(format!(r#"{{"filter":"{id}","expires_at":{expires_at}}}"#))
        }
        Err(refusal) => {
            node.metrics.filter_refused(&refusal);
            refusal.response()
        }
    };
    // Browsers may connect from anywhere, so they may store filters from anywhere, too.
    let any = header::HeaderValue::from_static("*");
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    response
}

async fn store(payload: web::Payload, node: &Node) -> Result<Stored, Refusal> {
    if node.ending.draining.is_cancelled() {
        return Err(Refusal::Draining);
    }
    node.filters.put(payload).await
}
