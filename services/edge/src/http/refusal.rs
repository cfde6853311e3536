//! Every way in which a request for events, for the live status or to store a filter is refused: status, words, metric label.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use fanjet_filter::{FilterId, OptionsError};
use fanjet_log::store::MAX_VALUE;

/// A refused request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    UrlTooLong { max_bytes: usize },
    InvalidOptions(OptionsError),
    OutsidePool(String),
    NotReady,
    NoStart,
    Draining,
    NodeFull { max_subscribers: usize },
    AddressFull { max: usize },
    KeyFull { max: usize },
    UnknownKey,
    NoUpgrade,
    UnsupportedVersion,
    BadKey,
    UnknownFilter(FilterId),
    NoFilter,
    BodyTooLong { max_bytes: usize },
    BodyTimeout,
    FilterTooLarge { bytes: usize },
    TooManyBodies { max: usize },
    TooManyViewers { max: usize },
    StoreFull,
    StoreUnavailable,
}

/// When a client that was refused for lack of room may try again, in seconds.
const RETRY_AFTER_SECONDS: &str = "5";

impl Refusal {
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::UrlTooLong { .. } => "url_too_long",
            Self::InvalidOptions(_) => "invalid_options",
            Self::OutsidePool(_) => "outside_pool",
            Self::NotReady => "not_ready",
            Self::NoStart => "no_start",
            Self::Draining => "draining",
            Self::NodeFull { .. } => "node_full",
            Self::AddressFull { .. } => "address_full",
            Self::KeyFull { .. } => "key_full",
            Self::UnknownKey => "unknown_key",
            Self::NoUpgrade => "no_upgrade",
            Self::UnsupportedVersion => "unsupported_version",
            Self::BadKey => "bad_key",
            Self::UnknownFilter(_) => "unknown_filter",
            Self::NoFilter => "no_filter",
            Self::BodyTooLong { .. } => "body_too_long",
            Self::BodyTimeout => "body_timeout",
            Self::FilterTooLarge { .. } => "filter_too_large",
            Self::TooManyBodies { .. } => "too_many_bodies",
            Self::TooManyViewers { .. } => "too_many_viewers",
            Self::StoreFull => "store_full",
            Self::StoreUnavailable => "store_unavailable",
        }
    }

    /// The answer, as plain text without a final newline, as v1 answers.
    pub(crate) fn response(&self) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status());
        response.content_type("text/plain; charset=utf-8");
        let status = self.status();
        if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
            response.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS));
        }
        if matches!(self, Self::NoUpgrade | Self::UnsupportedVersion) {
            response.insert_header((header::SEC_WEBSOCKET_VERSION, "13"));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            response.insert_header((header::UPGRADE, "websocket"));
        }
        response.body(self.words())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::UrlTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::InvalidOptions(_)
            | Self::OutsidePool(_)
            | Self::NoUpgrade
            | Self::BadKey
            | Self::NoFilter => StatusCode::BAD_REQUEST,
            Self::UnsupportedVersion => StatusCode::UPGRADE_REQUIRED,
            Self::UnknownFilter(_) => StatusCode::NOT_FOUND,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::AddressFull { .. } | Self::KeyFull { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::UnknownKey => StatusCode::UNAUTHORIZED,
            Self::BodyTooLong { .. } | Self::FilterTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotReady
            | Self::NoStart
            | Self::Draining
            | Self::NodeFull { .. }
            | Self::TooManyBodies { .. }
            | Self::TooManyViewers { .. }
            | Self::StoreFull
            | Self::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::UrlTooLong { max_bytes } => {
                format!("URL too long: at most {max_bytes} bytes (http.max_url_bytes)")
            }
            Self::InvalidOptions(error) => error.answer(),
            Self::OutsidePool(pool) => outside_pool(pool),
            Self::NotReady => "service not ready: the log has not been reached yet".to_owned(),
            Self::NoStart => "service not ready: cursor resolution failed".to_owned(),
            Self::Draining => "service not ready: shutting down".to_owned(),
            Self::NodeFull { max_subscribers } => format!(
                "this node is full: at most {max_subscribers} subscribers (http.max_subscribers)"
            ),
            Self::AddressFull { max } => format!(
                "too many subscribers from your address: at most {max} (http.max_subscribers_per_address)"
            ),
            Self::KeyFull { max } => format!(
                "too many subscribers with your API key: at most {max}"
            ),
            Self::UnknownKey => "unknown API key (allowed: none, or a valid one in the header Authorization: Bearer, or in apiKey=)".to_owned(),
            Self::NoUpgrade => {
                "this is a WebSocket endpoint: connect with ws:// or wss:// (version 13)".to_owned()
            }
            Self::UnsupportedVersion => {
                "unsupported Sec-WebSocket-Version (allowed: 13)".to_owned()
            }
            Self::BadKey => {
                "bad Sec-WebSocket-Key (allowed: one, of 16 bytes in Base64)".to_owned()
            }
            Self::UnknownFilter(id) => format!(
                "unknown filter: {id} (it has expired, or was never stored: POST it to /subscribe/filters again)"
            ),
            Self::NoFilter => "bad filter (allowed: a JSON object with the keys of an options_update payload, such as {\"wantedCollections\":[\"app.bsky.feed.post\"]})".to_owned(),
            Self::BodyTooLong { max_bytes } => {
                format!("body too long: at most {max_bytes} bytes (filters.max_body_bytes)")
            }
            Self::BodyTimeout => "the body did not come in time (filters.body_timeout)".to_owned(),
            Self::FilterTooLarge { bytes } => {
                format!("filter too large: {bytes} bytes of JSON, {MAX_VALUE} are allowed")
            }
            Self::TooManyBodies { max } => format!(
                "too many filters are being stored: at most {max} at one time (filters.max_concurrent_bodies)"
            ),
            Self::TooManyViewers { max } => format!(
                "too many are looking: at most {max} at one time (http.max_status_viewers)"
            ),
            Self::StoreFull => "no room for more filters until one expires".to_owned(),
            Self::StoreUnavailable => "stored filters are unavailable".to_owned(),
        }
    }
}

/// What a client is told that may want what this node does not have.
pub(crate) fn outside_pool(pool: &str) -> String {
    format!("this node serves only {pool}: name collections among them (wantedCollections)")
}
