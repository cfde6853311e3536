//! `GET /xrpc/com.atproto.sync.subscribeRepos`: the firehose's frames as they were received.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use fanjet_filter::Filter;
use fanjet_runtime::Stop;
use ipnet::IpNet;
use tokio::time::timeout;
use tracing::warn;
use url::Url;

use super::admission::{Admission, ConnectionSlot};
use super::admit::check_url;
use super::api_key::api_key;
use super::client_address::client_address;
use super::connections::gate_of;
use super::context::HttpContext;
use super::subscribe::upgrade;
use super::xrpc::response::{not_implemented, open_to_all, refused};
use crate::limits::{FilterMemory, Full, Holder, Slots};
use crate::metrics::Metrics;
use crate::raw::{
    Choice, CloseCause, NoRawStart, RawFeeder, RawJoined, RawMetrics, RawStream, RawSubscriber,
    RawTimeouts, Source, cursor_of, info,
};
use crate::refusal::Refusal;
use crate::subscriber::{Allowed, InboundLimits, Throttle};
use crate::upstream_api::{UpstreamApi, base_url};
use crate::{EdgeConfig, EdgeError};

/// The path of the endpoint.
pub(super) const SUBSCRIBE_REPOS: &str = "/xrpc/com.atproto.sync.subscribeRepos";

/// `atproto-relay` is how relays recognise each other: one that is asked to crawl this node must not, since it would read
/// its own events.
pub(super) const SERVER: &str = concat!("fanjet/", env!("CARGO_PKG_VERSION"), " (atproto-relay)");

/// Longest message of a client, all of which are ignored.
const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// What requests are served from. `None` where the raw stream is not served.
pub(crate) struct FirehoseContext {
    pub(crate) stream: Arc<RawStream>,
    pub(crate) slots: Arc<Slots<Holder>>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) max_url_bytes: usize,
    pub(crate) filter_memory: FilterMemory,
    pub(crate) inbound: InboundLimits,
    pub(crate) timeouts: RawTimeouts,
    pub(crate) cursor_timeout: std::time::Duration,
    pub(crate) metrics: RawMetrics,
    /// Refused requests are counted with those of the other streams.
    pub(crate) refusals: Metrics,
    pub(crate) draining: Stop,
    /// Answers what clients ask beside the stream.
    pub(crate) upstream: Option<UpstreamApi>,
    /// Where `listReposByCollection` is answered.
    pub(crate) collections: Option<Url>,
    pub(crate) may_request_crawl: bool,
}

impl FirehoseContext {
    /// # Errors
    /// [`EdgeError::UpstreamUrl`].
    pub(crate) fn new(
        config: &EdgeConfig,
        raw: &RawFeeder,
        http: &HttpContext,
    ) -> Result<Self, EdgeError> {
        let collections = &config.raw.collections_http;
        let slots = Arc::new(Slots::new(
            config.raw.max_subscribers,
            config.raw.max_subscribers_per_address,
        ));
        Ok(Self {
            upstream: UpstreamApi::new(&config.raw, raw.metrics.clone())?,
            collections: base_url("edge.raw.collections_http", collections)?,
            may_request_crawl: config.raw.request_crawl,
            ..Self::over(&raw.stream, slots, raw.metrics.clone(), config, http)
        })
    }

    /// Serves a stream, whose subscribers have these slots.
    pub(super) fn over(
        stream: &Arc<RawStream>,
        slots: Arc<Slots<Holder>>,
        metrics: RawMetrics,
        config: &EdgeConfig,
        http: &HttpContext,
    ) -> Self {
        let admit = &http.admit_context;
        Self {
            upstream: None,
            collections: None,
            may_request_crawl: false,
            stream: Arc::clone(stream),
            slots,
            admission: Arc::clone(&admit.admission),
            trusted_proxies: admit.trusted_proxies.clone(),
            max_url_bytes: admit.max_url_bytes,
            filter_memory: admit.filter_memory.clone(),
            inbound: admit.inbound.clone(),
            timeouts: RawTimeouts {
                ping_interval: config.subscriber.ping_interval,
                pong_timeout: config.subscriber.pong_timeout,
                close_linger: config.http.close_linger,
            },
            cursor_timeout: config.replay.cursor_timeout,
            metrics,
            refusals: http.metrics.clone(),
            draining: admit.draining.clone(),
        }
    }
}

/// Serves one subscriber or responds with a refusal.
pub(crate) async fn subscribe_repos(
    request: HttpRequest,
    context: web::Data<Option<FirehoseContext>>,
) -> HttpResponse {
    let choice = |query: &str| match Filter::of_frames(query) {
        Ok(filter) => Ok(filter.map_or(Choice::All, |filter| Choice::Frames(Box::new(filter)))),
        Err(error) => Err(Refusal::InvalidOptions(error)),
    };
    respond(&request, context.as_ref().as_ref(), choice).await
}

/// Serves one subscriber of what it chooses of a stream, by its query; `None`: the stream is not served.
pub(super) async fn respond(
    request: &HttpRequest,
    context: Option<&FirehoseContext>,
    choice: impl FnOnce(&str) -> Result<Choice, Refusal>,
) -> HttpResponse {
    let response = match context {
        None => not_implemented(request),
        Some(context) => match subscribe(request, context, choice).await {
            Ok(response) => response,
            Err(refusal) => {
                context.refusals.refused(&refusal);
                refused(&refusal)
            }
        },
    };
    of_a_relay(response)
}

/// With the headers that every response of these paths has.
pub(super) fn of_a_relay(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static(SERVER));
    open_to_all(response)
}

async fn subscribe(
    request: &HttpRequest,
    context: &FirehoseContext,
    choice: impl FnOnce(&str) -> Result<Choice, Refusal>,
) -> Result<HttpResponse, Refusal> {
    if context.draining.is_cancelled() {
        return Err(Refusal::Draining);
    }
    let mut response = upgrade(request)?;
    check_url(request, context.max_url_bytes)?;
    let choice = choice(request.query_string())?;
    let client = client_address(request, &context.trusted_proxies);
    let slot = context
        .admission
        .admit(client, api_key(request).as_deref())?;
    let raw_slot = context.slots.take(Some(slot.holder()));
    let raw_slot = raw_slot.map_err(|full| match full {
        Full::Node { max } => Refusal::RawNodeFull { max },
        Full::Holder { max } => Refusal::RawAddressFull { max },
    })?;
    let memory = context.filter_memory.claim(slot.holder());
    if let Choice::Frames(filter) = &choice
        && !memory.hold(filter)
    {
        return Err(Refusal::FiltersFull);
    }
    let begin = start(request, context, choice).await?;
    hand_over(request, context, slot, begin, Box::new((raw_slot, memory)));
    Ok(response.finish())
}

type Begin = (Result<Source, CloseCause>, Option<bytes::Bytes>);

/// Where the client starts. Errors of its cursor are sent on the stream: some clients retry an HTTP error forever,
/// and report nothing.
async fn start(
    request: &HttpRequest,
    context: &FirehoseContext,
    choice: Choice,
) -> Result<Begin, Refusal> {
    let Ok(cursor) = cursor_of(request.query_string()) else {
        return Ok((Err(CloseCause::InvalidCursor), None));
    };
    let position = timeout(context.cursor_timeout, context.stream.position(cursor));
    let position = tokio::select! {
        position = position => position.map_err(|_late| Refusal::NoStart)?,
        () = context.draining.cancelled() => return Err(Refusal::Draining),
    };
    match position {
        Ok(position) => {
            let greeting = position.is_outdated.then(|| {
                info(
                    "OutdatedCursor",
                    "Requested cursor exceeded limit. Possibly missing events",
                )
            });
            let stream = Arc::clone(&context.stream);
            Ok((Ok(Source::new(stream, position, choice)), greeting))
        }
        Err(NoRawStart::Future { newest }) => Ok((Err(CloseCause::FutureCursor { newest }), None)),
        Err(NoRawStart::NotReady) => Err(Refusal::NotReady),
        Err(NoRawStart::Log(error)) => {
            // The details are for the operator.
            warn!(%error, "failed to find a cursor in the raw log, refusing the client");
            Err(Refusal::NoStart)
        }
    }
}

fn hand_over(
    request: &HttpRequest,
    context: &FirehoseContext,
    slot: ConnectionSlot,
    (source, greeting): Begin,
    held: Box<dyn std::any::Any>,
) {
    let inbound = InboundLimits {
        max_message_bytes: MAX_MESSAGE_BYTES,
        ..context.inbound.clone()
    };
    let joined = RawJoined {
        source,
        greeting,
        allowed: Allowed::new(&inbound, slot.sending()),
        replay: Throttle::new(slot.replay()),
        timeouts: context.timeouts,
        metrics: context.metrics.clone(),
        draining: context.draining.clone(),
        held: Box::new((slot, held)),
    };
    if let Some(gate) = gate_of(request) {
        gate.hand_over(Box::new(|upgraded| {
            Box::pin(RawSubscriber::new(upgraded, joined))
        }));
    }
}
