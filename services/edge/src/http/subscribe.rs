//! `GET /subscribe`: the checks, options first as in v1, then the upgrade.

use std::rc::Rc;

use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use actix_web_actors::ws;
use fanjet_filter::SubscriberOptions;

use super::Refusal;
use super::admission::Permit;
use crate::edge::Node;
use crate::hub::Worker;
use crate::subscriber::{Session, body};

/// Serves one subscriber, or says why not.
pub(crate) async fn subscribe(
    request: HttpRequest,
    payload: web::Payload,
    worker: web::Data<Worker>,
) -> HttpResponse {
    let node = worker.node();
    match admit(&request, node).await {
        Err(refusal) => {
            node.metrics.refused(&refusal);
            refusal.response()
        }
        Ok(mut admitted) => {
            let heartbeat = admitted.options.heartbeat;
            let (feed, on_end) = worker.join(admitted.options);
            let shard = Rc::clone(worker.shard());
            let member = Rc::clone(feed.member());
            Session::start(
                shard,
                member,
                payload,
                on_end,
                heartbeat,
                &node.config.subscriber,
            );
            admitted.response.streaming(body(feed, admitted.permit))
        }
    }
}

struct Admitted {
    options: SubscriberOptions,
    permit: Permit,
    /// 101 with its headers. No subprotocol and no extension, above all no compression, is ever agreed to.
    response: HttpResponseBuilder,
}

async fn admit(request: &HttpRequest, node: &Node) -> Result<Admitted, Refusal> {
    let max_bytes = node.config.http.max_url_bytes;
    let target = request.uri().path_and_query();
    if target.is_some_and(|target| target.as_str().len() > max_bytes) {
        return Err(Refusal::UrlTooLong { max_bytes });
    }
    let mut options =
        SubscriberOptions::parse(request.query_string()).map_err(Refusal::InvalidOptions)?;
    if node.stop.is_cancelled() {
        return Err(Refusal::Draining);
    }
    if node.ring.head().end.is_none() {
        return Err(Refusal::NotReady);
    }
    let permit = node.admission.admit().ok_or(Refusal::NodeFull {
        max_subscribers: node.admission.max(),
    })?;
    if let Some(id) = options.stored_filter {
        // With a place taken, so that no more of these are under way than there are places.
        options.filter = node.filters.get(id).await?;
    }
    let response = ws::handshake(request).map_err(|_| Refusal::NoUpgrade)?;
    Ok(Admitted {
        options,
        permit,
        response,
    })
}
