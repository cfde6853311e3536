//! The HTTP interface of the relay whose frames this node serves: what clients ask beside the stream is asked there.
//!
//! One request at a time for each place, each with a deadline and a bounded answer. Nothing is cached, and no redirect is followed: it
//! is the client's.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, VIA};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use tokio::time::Instant;
use tracing::warn;
use url::Url;

use crate::EdgeError;
use crate::config::RawServeConfig;
use crate::limits::{Full, Holder, Slot, Slots};
use crate::raw::RawMetrics;

/// For a whole answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer in bytes.
const MAX_BODY: usize = 8 << 20;
/// Requests for a crawl at one time. Each holds its place for [`CRAWL_PAUSE`] at least, so this many a second.
const MAX_CRAWLS: usize = 4;
const CRAWL_PAUSE: Duration = Duration::from_secs(1);
/// By this relays see that a request went through a relay already.
const OWN_VIA: &str = "1.1 fanjet (atproto-relay)";

/// Asks the upstream.
pub(crate) struct UpstreamApi {
    http: Client,
    base: Url,
    requests: Arc<Slots<Holder>>,
    crawls: Arc<Slots<Holder>>,
    metrics: RawMetrics,
}

/// What the upstream answered, which is passed on as it is.
#[derive(Debug)]
pub(crate) struct UpstreamAnswer {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<Vec<u8>>,
    pub(crate) retry_after: Option<Vec<u8>>,
    /// JSON. It holds the request's place for as long as it exists.
    pub(crate) body: Bytes,
}

/// Why nothing is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// No place is free.
    Busy(Full),
    /// The upstream is away, too slow, or answers what is no JSON or too long.
    Failed,
}

/// Bytes and the place that they take.
struct Held {
    body: Vec<u8>,
    _slot: Slot<Holder>,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl UpstreamApi {
    /// `None` where no upstream is configured.
    ///
    /// # Errors
    /// [`EdgeError::UpstreamUrl`].
    pub(crate) fn new(
        config: &RawServeConfig,
        metrics: RawMetrics,
    ) -> Result<Option<Self>, EdgeError> {
        let Some(base) = base_url("edge.raw.upstream_http", &config.upstream_http)? else {
            return Ok(None);
        };
        let http = Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(concat!("fanjet/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| EdgeError::UpstreamClient(error.to_string()))?;
        let (max, per_address) = (config.max_proxied, config.max_proxied_per_address);
        Ok(Some(Self {
            http,
            base,
            requests: Arc::new(Slots::new(max, per_address)),
            crawls: Arc::new(Slots::new(MAX_CRAWLS, 1)),
            metrics,
        }))
    }

    /// Where a method is, with the client's own parameters.
    pub(crate) fn url(&self, method: &str, query: &str) -> Url {
        method_url(&self.base, method, query)
    }

    /// Asks.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub(crate) async fn get(
        &self,
        holder: Holder,
        method: &str,
        query: &str,
    ) -> Result<UpstreamAnswer, NoAnswer> {
        let slot = self.place(&self.requests, holder)?;
        let request = self.http.get(self.url(method, query));
        self.answer(request, slot).await
    }

    /// Asks it to crawl a host.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub(crate) async fn request_crawl(
        &self,
        holder: Holder,
        hostname: &str,
    ) -> Result<UpstreamAnswer, NoAnswer> {
        let slot = self.place(&self.crawls, holder)?;
        let free = Instant::now() + CRAWL_PAUSE;
        let body = serde_json::json!({ "hostname": hostname }).to_string();
        let request = self.http.post(self.url("requestCrawl", ""));
        let request = request.header(VIA, OWN_VIA);
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        let answer = self.answer(request, slot).await;
        tokio::time::sleep_until(free).await;
        answer
    }

    fn place(&self, slots: &Arc<Slots<Holder>>, holder: Holder) -> Result<Slot<Holder>, NoAnswer> {
        slots.take(Some(holder)).map_err(|full| {
            self.metrics.proxied("refused");
            NoAnswer::Busy(full)
        })
    }

    async fn answer(
        &self,
        request: RequestBuilder,
        slot: Slot<Holder>,
    ) -> Result<UpstreamAnswer, NoAnswer> {
        match exchange(request).await {
            Ok((response, body)) => {
                self.metrics.proxied("answered");
                let header = |name| {
                    let value = response.headers().get(name);
                    value.map(|value| value.as_bytes().to_vec())
                };
                let status = StatusCode::from_u16(response.status().as_u16());
                Ok(UpstreamAnswer {
                    status: status.unwrap_or(StatusCode::BAD_GATEWAY),
                    location: header(LOCATION),
                    retry_after: header(RETRY_AFTER),
                    body: Bytes::from_owner(Held { body, _slot: slot }),
                })
            }
            Err(why) => {
                self.metrics.proxied("failed");
                // The details are for the operator.
                warn!(why, "failed to pass a request to the upstream");
                Err(NoAnswer::Failed)
            }
        }
    }
}

/// The response, and its JSON.
async fn exchange(request: RequestBuilder) -> Result<(Response, Vec<u8>), String> {
    let response = request.send().await;
    let mut response = response.map_err(|error| error.without_url().to_string())?;
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| error.without_url().to_string())?
    {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(format!("its answer is longer than {MAX_BODY} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    let kind = response.headers().get(CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    // `requestCrawl` has no output.
    if !is_json && !body.is_empty() {
        let status = response.status();
        return Err(format!("its answer with status {status} is not JSON"));
    }
    Ok((response, body))
}

/// The URL of a setting: scheme and host. `None` if it is empty.
///
/// # Errors
/// [`EdgeError::UpstreamUrl`].
pub(crate) fn base_url(key: &'static str, text: &str) -> Result<Option<Url>, EdgeError> {
    if text.is_empty() {
        return Ok(None);
    }
    let is_base = |url: &Url| {
        let is_plain = url.username().is_empty() && url.password().is_none();
        let is_http = matches!(url.scheme(), "http" | "https");
        is_http && is_plain && url.has_host() && url.path() == "/" && url.query().is_none()
    };
    let url = Url::parse(text).ok().filter(is_base);
    let invalid = || EdgeError::UpstreamUrl {
        key,
        value: text.to_owned(),
    };
    Ok(Some(url.ok_or_else(invalid)?))
}

/// `<base>/xrpc/com.atproto.sync.<method>?<query>`.
pub(crate) fn method_url(base: &Url, method: &str, query: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("/xrpc/com.atproto.sync.{method}"));
    url.set_query(Some(query).filter(|query| !query.is_empty()));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_a_scheme_and_a_host() {
        let base = |text| base_url("key", text);
        assert!(base("").unwrap().is_none());
        for text in ["https://relay.test", "http://127.0.0.1:2470/"] {
            assert!(base(text).unwrap().is_some(), "{text}");
        }
        for text in [
            "relay.test",
            "wss://relay.test",
            "https://",
            "https://relay.test/xrpc",
            "https://relay.test/?a=b",
            "https://me:secret@relay.test",
        ] {
            let error = base(text).unwrap_err().to_string();
            assert!(error.contains("key") && error.contains(text), "{error}");
        }
    }

    #[test]
    fn parameters_are_kept_as_they_are() {
        let base = Url::parse("https://relay.test").unwrap();
        let url = method_url(&base, "getRepo", "did=did%3Aplc%3Ax&since=3k&since=");
        let expected =
            "https://relay.test/xrpc/com.atproto.sync.getRepo?did=did%3Aplc%3Ax&since=3k&since=";
        assert_eq!(url.as_str(), expected);
        let plain = method_url(&base, "listHosts", "");
        assert_eq!(
            plain.as_str(),
            "https://relay.test/xrpc/com.atproto.sync.listHosts"
        );
    }
}
