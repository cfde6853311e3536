//! All reasons for refusing a request for events or the live status: status code, text and metric label.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use fanjet_filter::{OptionsError, V2Error};
use fanjet_log::Seq;
use fanjet_wire::stream;

/// A refused request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    UrlTooLong { max_bytes: usize },
    InvalidOptions(OptionsError),
    InvalidV2(V2Error),
    CursorTooOld { cursor: u64, floor: Seq },
    OutsidePool(String),
    NotReady,
    NoStart,
    CursorTimeout,
    LogDamaged { seq: Seq },
    Draining,
    NodeFull { max_subscribers: usize },
    AddressFull { max: usize },
    KeyFull { max: usize },
    RawNodeFull { max: usize },
    RawAddressFull { max: usize },
    UnknownKey,
    NoUpgrade,
    UnsupportedVersion,
    BadKey,
    BadBody,
    BodyTooLong { max_bytes: usize },
    BodyTimeout,
    BodyCutOff,
    InboundFull,
    FiltersFull,
    TooManyViewers { max: usize },
    Internal,
}

/// When a client that was refused temporarily may retry.
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl Refusal {
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::UrlTooLong { .. } => "url_too_long",
            Self::InvalidOptions(_) | Self::InvalidV2(_) => "invalid_options",
            Self::CursorTooOld { .. } => "cursor_too_old",
            Self::OutsidePool(_) => "outside_pool",
            Self::NotReady => "not_ready",
            Self::NoStart => "no_start",
            Self::CursorTimeout => "cursor_timeout",
            Self::LogDamaged { .. } => "log_damaged",
            Self::Draining => "draining",
            Self::NodeFull { .. } | Self::RawNodeFull { .. } => "node_full",
            Self::AddressFull { .. } | Self::RawAddressFull { .. } => "address_full",
            Self::KeyFull { .. } => "key_full",
            Self::UnknownKey => "unknown_key",
            Self::NoUpgrade => "no_upgrade",
            Self::UnsupportedVersion => "unsupported_version",
            Self::BadKey => "bad_key",
            Self::BadBody => "bad_body",
            Self::BodyTooLong { .. } => "body_too_long",
            Self::BodyTimeout => "body_timeout",
            Self::BodyCutOff => "body_cut_off",
            Self::InboundFull => "inbound_full",
            Self::FiltersFull => "filters_full",
            Self::TooManyViewers { .. } => "too_many_viewers",
            Self::Internal => "internal",
        }
    }

    /// The response: plain text without a final newline, as in v1.
    pub(crate) fn response(&self) -> HttpResponse {
        let status = self.status();
        let mut response = HttpResponseBuilder::new(status);
        response.content_type("text/plain; charset=utf-8");
        let mut response = response.body(self.text());
        self.put_headers(status, response.headers_mut());
        response
    }

    /// What a response with this status says beside its words.
    pub(crate) fn put_headers(&self, status: StatusCode, headers: &mut HeaderMap) {
        let is_temporary = matches!(
            status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        );
        if is_temporary {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER.as_secs().into());
        }
        if matches!(self, Self::NoUpgrade | Self::UnsupportedVersion) {
            let version = HeaderValue::from_static("13");
            headers.insert(header::SEC_WEBSOCKET_VERSION, version);
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
    }

    /// The status and the name of the error in v2. Its clients end for good at 429, so they get 503 instead.
    pub(crate) fn xrpc(&self) -> (StatusCode, &'static str) {
        let status = match self {
            Self::NoUpgrade => StatusCode::UPGRADE_REQUIRED,
            _ if self.is_temporary() => StatusCode::SERVICE_UNAVAILABLE,
            _ => self.status(),
        };
        let name = match (self, status) {
            (Self::InvalidV2(error), _) => error.name(),
            (Self::CursorTooOld { .. }, _) => "CursorTooOld",
            (_, StatusCode::SERVICE_UNAVAILABLE) => "ServiceUnavailable",
            (_, StatusCode::UNAUTHORIZED) => "AuthRequired",
            (_, StatusCode::PAYLOAD_TOO_LARGE) => "PayloadTooLarge",
            (_, StatusCode::INTERNAL_SERVER_ERROR) => "InternalServerError",
            _ => "InvalidRequest",
        };
        (status, name)
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_temporary(&self) -> bool {
        let status = self.status();
        status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS
    }

    /// The refusal as server-sent events: `EventSource` never reconnects after a status other than 200.
    pub(crate) fn event_stream(&self) -> Bytes {
        stream::sse_refusal(RETRY_AFTER, self.label(), &self.text())
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::UrlTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::InvalidOptions(_)
            | Self::InvalidV2(_)
            | Self::CursorTooOld { .. }
            | Self::OutsidePool(_)
            | Self::NoUpgrade
            | Self::BadKey
            | Self::BadBody
            | Self::BodyCutOff => StatusCode::BAD_REQUEST,
            Self::UnsupportedVersion => StatusCode::UPGRADE_REQUIRED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::AddressFull { .. } | Self::KeyFull { .. } | Self::RawAddressFull { .. } => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::UnknownKey => StatusCode::UNAUTHORIZED,
            Self::BodyTooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotReady
            | Self::NoStart
            | Self::CursorTimeout
            | Self::LogDamaged { .. }
            | Self::Draining
            | Self::NodeFull { .. }
            | Self::RawNodeFull { .. }
            | Self::InboundFull
            | Self::FiltersFull
            | Self::TooManyViewers { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::UrlTooLong { max_bytes } => {
                format!("URL too long: at most {max_bytes} bytes")
            }
            Self::InvalidOptions(error) => error.answer(),
            Self::InvalidV2(error) => error.to_string(),
            Self::CursorTooOld { cursor, floor } => format!(
                "subscribe: cursor too old: cursor {cursor} below lookback floor {floor}; re-backfill from your last seq"
            ),
            Self::OutsidePool(words) => words.clone(),
            Self::NotReady => "service not ready: the log has not been reached yet".to_owned(),
            Self::NoStart => "service not ready: cursor resolution failed".to_owned(),
            Self::CursorTimeout => format!(
                "this node is busy: it did not find the cursor's position in time, try again in {} seconds",
                RETRY_AFTER.as_secs()
            ),
            Self::LogDamaged { seq } => format!(
                "the log is damaged at this cursor, at seq {seq}: other cursors can be served"
            ),
            Self::Draining => "service not ready: shutting down".to_owned(),
            Self::NodeFull { max_subscribers } => format!(
                "this node is full: at most {max_subscribers} subscribers (edge.http.max_subscribers)"
            ),
            Self::AddressFull { max } => format!(
                "too many subscribers from your address: at most {max} (edge.http.max_subscribers_per_address)"
            ),
            Self::KeyFull { max } => format!(
                "too many subscribers with your API key: at most {max}"
            ),
            Self::RawNodeFull { max } => format!(
                "this node is full: at most {max} subscribers of raw frames (edge.raw.max_subscribers)"
            ),
            Self::RawAddressFull { max } => format!(
                "too many subscribers of raw frames from your address: at most {max} (edge.raw.max_subscribers_per_address)"
            ),
            Self::UnknownKey => "unknown API key (allowed: no key, or a valid one in Authorization: Bearer or apiKey=)".to_owned(),
            Self::NoUpgrade => {
                "this is a WebSocket endpoint: connect with ws:// or wss:// (version 13)".to_owned()
            }
            Self::UnsupportedVersion => {
                "unsupported Sec-WebSocket-Version (allowed: 13)".to_owned()
            }
            Self::BadKey => {
                "bad Sec-WebSocket-Key (allowed: one, of 16 bytes in Base64)".to_owned()
            }
            Self::BadBody => "bad options_update payload (allowed: a JSON object such as {\"wantedCollections\":[\"app.bsky.feed.post\"]}, without the type and payload wrapper)".to_owned(),
            Self::BodyTooLong { max_bytes } => format!("body too long: at most {max_bytes} bytes"),
            Self::BodyTimeout => "timed out waiting for the body (edge.subscriber.message_timeout)".to_owned(),
            Self::BodyCutOff => "the body is incomplete".to_owned(),
            Self::InboundFull => "too many long bodies in progress, try again later".to_owned(),
            Self::FiltersFull => "too many long filters in use, try again later (allowed: edge.limits.max_filter_bytes in total, edge.limits.max_filter_bytes_per_address per address)".to_owned(),
            Self::TooManyViewers { max } => format!(
                "too many live status viewers: at most {max}, half of them from one address (edge.http.max_status_viewers)"
            ),
            Self::Internal => "internal error, try again".to_owned(),
        }
    }
}
