//! The checks that every subscriber passes, whatever its connection is: options first, as in v1.

use std::sync::Arc;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponseBuilder};
use fanjet_filter::{OptionsError, SubscriberOptions};
use fanjet_runtime::Stop;
use ipnet::IpNet;
use tracing::warn;

use super::admission::{Admission, Permit};
use super::api_key::api_key;
use super::client_address::client_address;
use super::posted::posted_options;
use crate::damage::Damage;
use crate::limits::{FilterClaim, FilterMemory};
use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::replay::{Start, StartError, Starts};
use crate::subscriber::InboundLimits;
use crate::tail::Tail;

/// The time of the oldest event that can be replayed, as a cursor. Always sent, except right after a node's start.
pub(super) const OLDEST_CURSOR: &str = "x-fanjet-oldest-cursor";
/// Sent when the cursor is older than that: the replay begins with the oldest event instead.
pub(super) const CURSOR_CLAMPED: &str = "x-fanjet-cursor-clamped";

/// What a request is checked by.
pub(crate) struct Entrance {
    pub(crate) max_url_bytes: usize,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) tail: Tail,
    pub(crate) starts: Starts,
    pub(crate) admission: Arc<Admission>,
    pub(crate) filter_memory: FilterMemory,
    pub(crate) inbound: InboundLimits,
    pub(crate) metrics: Metrics,
    pub(crate) draining: Stop,
}

/// A client that may come in.
pub(super) struct Admitted {
    pub(super) options: SubscriberOptions,
    pub(super) start: Start,
    pub(super) permit: Permit,
    /// What its filter takes.
    pub(super) room: FilterClaim,
    /// The answer, which tells how far back a cursor can reach.
    pub(super) response: HttpResponseBuilder,
}

/// Checks a request. `options` reads what it asks for, a `body` takes the place of its filter, and `answer` begins the
/// response once nothing else speaks against it.
///
/// # Errors
/// [`Refusal`].
pub(super) async fn admit(
    request: &HttpRequest,
    entrance: &Entrance,
    options: impl FnOnce(&HttpRequest) -> Result<SubscriberOptions, OptionsError>,
    body: Option<Payload>,
    answer: impl FnOnce(&HttpRequest) -> Result<HttpResponseBuilder, Refusal>,
) -> Result<Admitted, Refusal> {
    let max_bytes = entrance.max_url_bytes;
    let target = request.uri().path_and_query();
    if target.is_some_and(|target| target.as_str().len() > max_bytes) {
        return Err(Refusal::UrlTooLong { max_bytes });
    }
    let mut options = options(request).map_err(Refusal::InvalidOptions)?;
    if entrance.draining.is_cancelled() {
        return Err(Refusal::Draining);
    }
    if entrance.tail.ring.head().end.is_none() {
        return Err(Refusal::NotReady);
    }
    let client = client_address(request, &entrance.trusted_proxies);
    let permit = entrance
        .admission
        .admit(client, api_key(request).as_deref())?;
    if let Some(body) = body {
        // With a place taken: whoever sends slowly has one place less, and nobody else.
        let posted = posted_options(
            request,
            body,
            permit.sending(),
            &entrance.inbound,
            &entrance.draining,
        )
        .await?;
        options.filter = posted.filter;
        options.max_delay = posted.max_delay.unwrap_or(options.max_delay);
    }
    // Who says later what it wants is judged then.
    if !options.require_hello && !entrance.tail.pool.serves(&options.filter) {
        return Err(Refusal::OutsidePool(entrance.tail.pool.refusal()));
    }
    let room = entrance.filter_memory.claim(permit.holder());
    if !room.hold(&options.filter) {
        return Err(Refusal::FiltersFull);
    }
    let mut response = answer(request)?;
    let start = tokio::select! {
        start = entrance.starts.resolve(options.cursor) => start,
        // A log that is away must not keep the node from ending.
        () = entrance.draining.cancelled() => return Err(Refusal::Draining),
    };
    let start = start.map_err(|error| match error {
        StartError::Damaged(Damage { seq }) => Refusal::LogDamaged { seq },
        error => {
            // What it says is for the operator.
            warn!(%error, "cannot find the position of a cursor");
            Refusal::NoStart
        }
    })?;
    if entrance.draining.is_cancelled() {
        // While the log was asked.
        return Err(Refusal::Draining);
    }
    entrance.metrics.started(start.kind());
    tell_window(&mut response, start, &entrance.tail);
    Ok(Admitted {
        options,
        start,
        permit,
        room,
        response,
    })
}

/// Says how far back a cursor can reach, and whether this one asked for more than there is.
fn tell_window(response: &mut HttpResponseBuilder, start: Start, tail: &Tail) {
    if let Some(oldest) = tail.window.oldest().time {
        response.insert_header((OLDEST_CURSOR, oldest.get()));
    }
    if let Start::At { clamped: true, .. } = start {
        response.insert_header((CURSOR_CLAMPED, "true"));
    }
}
