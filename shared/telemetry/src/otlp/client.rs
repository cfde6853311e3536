//! The exporter's requests, over the HTTP client that the rest of the project uses too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::redirect::Policy;
use reqwest::{Client as Http, Url};
use tokio::runtime::Handle;
use tracing::{info, warn};

/// A collector that takes longer is away.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer in bytes: one says which of what was sent was refused.
const MAX_ANSWER: usize = 64 << 10;

/// Sends on the runtime, although the exporter asks from threads of its own.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: Http,
    runtime: Handle,
    /// For the log: one line when it begins, one when it is over.
    is_failing: Arc<AtomicBool>,
}

impl Client {
    /// A client for the collector at `endpoint`, or what is wrong with that.
    pub(super) fn of(endpoint: &str) -> Result<Self, String> {
        let url = Url::parse(endpoint).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("{} is neither http nor https", url.scheme()));
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
                    "the collector takes nothing; what it is sent is lost until it does"
                );
            }
            (true, Ok(())) => info!("the collector takes what it is sent again"),
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
            Ok(response) => self.note(Err(&format!("it answered {}", response.status()))),
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
            return Err("its answer is too long".into());
        }
    }
    Ok(response.body(Bytes::from(body))?)
}
