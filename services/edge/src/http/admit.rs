//! The checks that every subscriber must pass, for any kind of connection. Options come first, as in v1.

use std::sync::Arc;

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponseBuilder};
use fanjet_filter::{Filter, OptionsError, SubscriberOptions};
use fanjet_runtime::Stop;
use ipnet::IpNet;
use tracing::warn;

use super::admission::{Admission, ConnectionSlot};
use super::api_key::api_key;
use super::client_address::client_address;
use super::posted::posted_options;
use crate::damage::Damage;
use crate::limits::{FilterClaim, FilterMemory};
use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::replay::{Start, StartError, StartResolver};
use crate::subscriber::InboundLimits;
use crate::tail::Tail;

/// The time of the oldest event that can be replayed, as a cursor. Always sent, except right after startup.
pub(super) const OLDEST_CURSOR: &str = "x-fanjet-oldest-cursor";
/// Sent when the cursor is older than that: the replay begins with the oldest event instead.
pub(super) const CURSOR_CLAMPED: &str = "x-fanjet-cursor-clamped";

/// What requests are checked against.
pub(crate) struct AdmitContext {
    pub(crate) max_url_bytes: usize,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) tail: Tail,
    pub(crate) starts: StartResolver,
    pub(crate) admission: Arc<Admission>,
    pub(crate) filter_memory: FilterMemory,
    pub(crate) inbound: InboundLimits,
    pub(crate) metrics: Metrics,
    pub(crate) draining: Stop,
}

/// An admitted client.
pub(super) struct Admitted {
    pub(super) options: SubscriberOptions,
    pub(super) start: Start,
    pub(super) slot: ConnectionSlot,
    /// The memory claim of its filter.
    pub(super) room: FilterClaim,
    /// The response, with headers that show how far back a cursor can reach.
    pub(super) response: HttpResponseBuilder,
}

/// Checks a request. `options` reads its options, a `body` replaces the filter, and `answer` begins the response when all
/// other checks have passed.
///
/// # Errors
/// [`Refusal`].
pub(super) async fn admit(
    request: &HttpRequest,
    admit_context: &AdmitContext,
    options: impl FnOnce(&HttpRequest) -> Result<SubscriberOptions, OptionsError>,
    body: Option<Payload>,
    answer: impl FnOnce(&HttpRequest) -> Result<HttpResponseBuilder, Refusal>,
) -> Result<Admitted, Refusal> {
    check_url(request, admit_context.max_url_bytes)?;
    let mut options = options(request).map_err(Refusal::InvalidOptions)?;
    let slot = take_slot(request, admit_context)?;
    if let Some(body) = body {
        // After a slot was taken, so that a slow sender occupies one of its own slots.
        let posted = posted_options(
            request,
            body,
            slot.sending(),
            &admit_context.inbound,
            &admit_context.draining,
        )
        .await?;
        options.filter = posted.filter;
        options.max_delay = posted.max_delay.unwrap_or(options.max_delay);
    }
    // Filters that are sent with a hello are checked then.
    if !options.require_hello && !admit_context.tail.pool.serves(&options.filter) {
        return Err(Refusal::OutsidePool(
            admit_context.tail.pool.refusal("wantedCollections"),
        ));
    }
    let room = claim_filter(admit_context, &slot, &options.filter)?;
    let mut response = answer(request)?;
    let start = admit_context.starts.resolve(options.cursor);
    let start = find_start(admit_context, start).await?;
    admit_context.metrics.started(start.kind());
    add_window_headers(&mut response, start, &admit_context.tail);
    Ok(Admitted {
        options,
        start,
        slot,
        room,
        response,
    })
}

/// # Errors
/// [`Refusal::UrlTooLong`].
pub(super) fn check_url(request: &HttpRequest, max_bytes: usize) -> Result<(), Refusal> {
    let target = request.uri().path_and_query();
    match target.is_some_and(|target| target.as_str().len() > max_bytes) {
        true => Err(Refusal::UrlTooLong { max_bytes }),
        false => Ok(()),
    }
}

/// A place for one client, if this node takes any.
///
/// # Errors
/// [`Refusal`].
pub(super) fn take_slot(
    request: &HttpRequest,
    admit_context: &AdmitContext,
) -> Result<ConnectionSlot, Refusal> {
    if admit_context.draining.is_cancelled() {
        return Err(Refusal::Draining);
    }
    if admit_context.tail.ring.head().end.is_none() {
        return Err(Refusal::NotReady);
    }
    let client = client_address(request, &admit_context.trusted_proxies);
    let key = api_key(request);
    admit_context.admission.admit(client, key.as_deref())
}

/// Memory for a filter.
///
/// # Errors
/// [`Refusal::FiltersFull`].
pub(super) fn claim_filter(
    admit_context: &AdmitContext,
    slot: &ConnectionSlot,
    filter: &Filter,
) -> Result<FilterClaim, Refusal> {
    let room = admit_context.filter_memory.claim(slot.holder());
    match room.hold(filter) {
        true => Ok(room),
        false => Err(Refusal::FiltersFull),
    }
}

/// What the log answers about a start.
///
/// # Errors
/// [`Refusal`].
pub(super) async fn find_start<T>(
    admit_context: &AdmitContext,
    finding: impl Future<Output = Result<T, StartError>>,
) -> Result<T, Refusal> {
    let found = tokio::select! {
        found = finding => found,
        // An unavailable log must not delay the shutdown.
        () = admit_context.draining.cancelled() => return Err(Refusal::Draining),
    };
    let found = found.map_err(|error| match error {
        StartError::Damaged(Damage { seq }) => Refusal::LogDamaged { seq },
        StartError::TooLate => {
            warn!("timed out resolving a cursor, refusing the client for now");
            Refusal::CursorTimeout
        }
        error => {
            // The details are for the operator.
            warn!(%error, "failed to resolve a cursor, refusing the client");
            Refusal::NoStart
        }
    })?;
    match admit_context.draining.is_cancelled() {
        // While the log was being asked.
        true => Err(Refusal::Draining),
        false => Ok(found),
    }
}

/// Adds headers that show how far back a cursor can reach, and whether this cursor was older than the log.
fn add_window_headers(response: &mut HttpResponseBuilder, start: Start, tail: &Tail) {
    if let Some(oldest) = tail.window.oldest().time {
        response.insert_header((OLDEST_CURSOR, oldest.get()));
    }
    if let Start::At { clamped: true, .. } = start {
        response.insert_header((CURSOR_CLAMPED, "true"));
    }
}
