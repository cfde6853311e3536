//! Every way in which a request for `/subscribe` is refused: status, words, metric label.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use fanjet_filter::OptionsError;

/// A refused request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    UrlTooLong { max_bytes: usize },
    InvalidOptions(OptionsError),
    OutsidePool(String),
    NotReady,
    NoStart(String),
    Draining,
    NodeFull { max_subscribers: usize },
    NoUpgrade,
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
            Self::NoStart(_) => "no_start",
            Self::Draining => "draining",
            Self::NodeFull { .. } => "node_full",
            Self::NoUpgrade => "no_upgrade",
        }
    }

    /// The answer, as plain text without a final newline, as v1 answers.
    pub(crate) fn response(&self) -> HttpResponse {
        let mut response = HttpResponseBuilder::new(self.status());
        response.content_type("text/plain; charset=utf-8");
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS));
        }
        if *self == Self::NoUpgrade {
            response.insert_header((header::SEC_WEBSOCKET_VERSION, "13"));
        }
        response.body(self.words())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::UrlTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::InvalidOptions(_) | Self::OutsidePool(_) | Self::NoUpgrade => {
                StatusCode::BAD_REQUEST
            }
            Self::NotReady | Self::NoStart(_) | Self::Draining | Self::NodeFull { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
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
            Self::NoStart(why) => format!("service not ready: cursor resolution failed: {why}"),
            Self::Draining => "service not ready: shutting down".to_owned(),
            Self::NodeFull { max_subscribers } => format!(
                "this node is full: at most {max_subscribers} subscribers (http.max_subscribers)"
            ),
            Self::NoUpgrade => {
                "this is a WebSocket endpoint: connect with ws:// or wss:// (version 13)".to_owned()
            }
        }
    }
}

/// What a client is told that may want what this node does not have.
pub(crate) fn outside_pool(pool: &str) -> String {
    format!("this node serves only {pool}: name collections among them (wantedCollections)")
}
