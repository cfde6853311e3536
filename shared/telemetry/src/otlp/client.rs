//! The exporter's requests, sent by the HTTP client that the rest of the project uses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::redirect::Policy;
use reqwest::{Client as Http, Url};
use tokio::runtime::Handle;
use tracing::{info, warn};

/// Timeout of one request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest response in bytes: a partial success lists the rejected items.
const MAX_ANSWER: usize = 64 << 10;

/// Sends on the runtime, although the exporter calls from its own threads.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: Http,
    runtime: Handle,
    /// For the log: one line when an outage starts, one when it ends.
    is_failing: Arc<AtomicBool>,
}

impl Client {
    /// A client for the collector at `endpoint`, or the reason why it is invalid.
    pub(super) fn of(endpoint: &str) -> Result<Self, String> {
        let url = Url::parse(endpoint).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "unsupported scheme {} (allowed: http, https)",
                url.scheme()
            ));
        }
        let http = Http::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            http,
            runtime: Handle::try_current().map_err(|error| error.to_string())?,
            is_failing: Arc::default(),
        })
    }

    fn note(&self, outcome: Result<(), &str>) {
        let was_failing = self.is_failing.swap(outcome.is_err(), Ordering::Relaxed);
        match (was_failing, outcome) {
            (false, Err(reason)) => {
                warn!(
                    reason,
                    "the collector rejects exports, dropping telemetry until it recovers"
                );
            }
            (true, Ok(())) => info!("the collector accepts exports again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sending = exchange(self.http.clone(), request);
        let outcome = match self.runtime.spawn(sending).await {
            Ok(outcome) => outcome,
            Err(ended) => Err(ended.into()),
        };
        match &outcome {
            Ok(response) if response.status().is_success() => self.note(Ok(())),
            Ok(response) => self.note(Err(&format!("it responded {}", response.status()))),
            Err(error) => self.note(Err(&error.to_string())),
        }
        outcome
    }
}

async fn exchange(http: Http, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let mut answer = http.execute(request.try_into()?).await?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.extend(answer.headers().clone());
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            return Err("its response is too long".into());
        }
    }
    Ok(response.body(Bytes::from(body))?)
}
