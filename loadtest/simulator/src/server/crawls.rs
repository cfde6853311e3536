//! The requests to crawl a host that were received.

use parking_lot::Mutex;
use serde::Serialize;

/// A request to crawl a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrawlRequest {
    /// The host.
    pub hostname: String,
    /// The header `Via`.
    pub via: Option<String>,
}

/// Those received.
#[derive(Debug, Default)]
pub(crate) struct CrawlRequests(Mutex<Vec<CrawlRequest>>);

impl CrawlRequests {
    pub(super) fn add(&self, request: CrawlRequest) {
        self.0.lock().push(request);
    }

    pub(crate) fn all(&self) -> Vec<CrawlRequest> {
        self.0.lock().clone()
    }
}
