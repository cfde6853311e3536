//! `GET /xrpc/com.atproto.sync.subscribeRepos`: the firehose's frames as they were received.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use fanjet_runtime::Stop;
use ipnet::IpNet;
use serde_json::json;
use tokio::time::timeout;
use tracing::warn;

use super::admission::{Admission, ConnectionSlot};
use super::api_key::api_key;
use super::client_address::client_address;
use super::connections::gate_of;
use super::context::HttpContext;
use super::subscribe::upgrade;
use crate::EdgeConfig;
use crate::limits::RawSlots;
use crate::metrics::Metrics;
use crate::raw::{
    CloseCause, NoRawStart, RawFeeder, RawJoined, RawMetrics, RawStream, RawSubscriber,
    RawTimeouts, Source, cursor_of, info,
};
use crate::refusal::Refusal;
use crate::subscriber::{Allowed, InboundLimits, Throttle};

/// The path of the endpoint.
pub(super) const SUBSCRIBE_REPOS: &str = "/xrpc/com.atproto.sync.subscribeRepos";

/// `atproto-relay` is how relays recognise each other: one that is asked to crawl this node must not, since it would read
/// its own events.
const SERVER: &str = concat!("fanjet/", env!("CARGO_PKG_VERSION"), " (atproto-relay)");

/// Longest message of a client, all of which are ignored.
const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// What requests are served from. `None` where the raw stream is not served.
pub(crate) struct FirehoseContext {
    pub(crate) stream: Arc<RawStream>,
    pub(crate) slots: Arc<RawSlots>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) inbound: InboundLimits,
    pub(crate) timeouts: RawTimeouts,
    pub(crate) cursor_timeout: std::time::Duration,
    pub(crate) metrics: RawMetrics,
    /// Refused requests are counted with those of the other streams.
    pub(crate) refusals: Metrics,
    pub(crate) draining: Stop,
}

impl FirehoseContext {
    pub(crate) fn new(config: &EdgeConfig, raw: &RawFeeder, http: &HttpContext) -> Self {
        let admit = &http.admit_context;
        Self {
            stream: Arc::clone(&raw.stream),
            slots: Arc::new(RawSlots::new(
                config.raw.max_subscribers,
                config.raw.max_subscribers_per_address,
            )),
            admission: Arc::clone(&admit.admission),
            trusted_proxies: admit.trusted_proxies.clone(),
            inbound: admit.inbound.clone(),
            timeouts: RawTimeouts {
                ping_interval: config.subscriber.ping_interval,
                pong_timeout: config.subscriber.pong_timeout,
                close_linger: config.http.close_linger,
            },
            cursor_timeout: config.replay.cursor_timeout,
            metrics: raw.metrics.clone(),
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
    let mut response = match &**context {
        None => refused(
            StatusCode::NOT_IMPLEMENTED,
            "MethodNotImplemented",
            "this node does not serve the raw stream (raw.enabled)",
        ),
        Some(context) => match subscribe(&request, context).await {
            Ok(response) => response,
            Err(refusal) => {
                context.refusals.refused(&refusal);
                refusal_of(&refusal)
            }
        },
    };
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static(SERVER));
    let any = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    response
}

async fn subscribe(
    request: &HttpRequest,
    context: &FirehoseContext,
) -> Result<HttpResponse, Refusal> {
    if context.draining.is_cancelled() {
        return Err(Refusal::Draining);
    }
    let mut response = upgrade(request)?;
    let client = client_address(request, &context.trusted_proxies);
    let slot = context
        .admission
        .admit(client, api_key(request).as_deref())?;
    let raw_slot = context.slots.take(slot.holder())?;
    let (source, greeting) = start(request, context).await?;
    hand_over(
        request,
        context,
        slot,
        (source, greeting),
        Box::new(raw_slot),
    );
    Ok(response.finish())
}

type Begin = (Result<Source, CloseCause>, Option<bytes::Bytes>);

/// Where the client starts. Errors of its cursor are sent on the stream: some clients retry an HTTP error forever,
/// and report nothing.
async fn start(request: &HttpRequest, context: &FirehoseContext) -> Result<Begin, Refusal> {
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
            Ok((Ok(Source::new(stream, position)), greeting))
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
    raw_slot: Box<dyn std::any::Any>,
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
        held: Box::new((slot, raw_slot)),
    };
    if let Some(gate) = gate_of(request) {
        gate.hand_over(Box::new(|upgraded| {
            Box::pin(RawSubscriber::new(upgraded, joined))
        }));
    }
}

/// In the form of XRPC errors. A full node is 503 rather than 429: clients reconnect after either.
fn refusal_of(refusal: &Refusal) -> HttpResponse {
    let (status, name) = match refusal {
        Refusal::NoUpgrade | Refusal::UnsupportedVersion => {
            (StatusCode::UPGRADE_REQUIRED, "UpgradeRequired")
        }
        Refusal::UnknownKey => (StatusCode::UNAUTHORIZED, "AuthenticationRequired"),
        refusal if refusal.is_temporary() => {
            (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")
        }
        _ => (StatusCode::BAD_REQUEST, "InvalidRequest"),
    };
    let mut response = refused(status, name, &refusal.text());
    let headers = response.headers_mut();
    if refusal.is_temporary() {
        let after = HeaderValue::from_static("5");
        headers.insert(header::RETRY_AFTER, after);
    }
    if status == StatusCode::UPGRADE_REQUIRED {
        let websocket = HeaderValue::from_static("websocket");
        headers.insert(header::UPGRADE, websocket);
        let version = HeaderValue::from_static("13");
        headers.insert(header::SEC_WEBSOCKET_VERSION, version);
    }
    response
}

fn refused(status: StatusCode, name: &str, message: &str) -> HttpResponse {
    let body = json!({"error": name, "message": message});
    HttpResponseBuilder::new(status).json(body)
}
