//! An OpenTelemetry collector that keeps what it receives: OTLP over HTTP, parsed with the protocol's own types.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::{Context, Result};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use tokio::task::JoinSet;

/// Longest request in bytes.
const MAX_REQUEST: usize = 64 << 20;

/// Runs until it is dropped.
pub struct Collector {
    url: String,
    held: Arc<Mutex<Held>>,
    _server: JoinSet<()>,
}

/// One received span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// `service.name` of the sender.
    pub service: String,
    /// The instrumentation scope.
    pub scope: String,
    /// Its name.
    pub name: String,
    /// Its trace ID.
    pub trace_id: Vec<u8>,
    /// Its span ID.
    pub id: Vec<u8>,
    /// Its parent's span ID; empty for a root span.
    pub parent: Vec<u8>,
    /// Start and end in nanoseconds since 1970.
    pub time: (u64, u64),
    /// Its attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// The error, if there was one.
    pub error: Option<String>,
}

#[derive(Default)]
struct Held {
    spans: Vec<Span>,
    metrics: BTreeSet<String>,
    headers: Vec<String>,
}

impl Collector {
    /// Starts on a free port.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start() -> Result<Self> {
        let held = Arc::new(Mutex::new(Held::default()));
        let data = Data::new(Arc::clone(&held));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .app_data(PayloadConfig::new(MAX_REQUEST))
                .route("/v1/traces", web::post().to(traces))
                .route("/v1/metrics", web::post().to(metrics))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(0)
        .bind(("127.0.0.1", 0))?;
        let address = server.addrs().first().copied().context("its address")?;
        let mut tasks = JoinSet::new();
        let server = server.run();
        tasks.spawn(async move { server.await.unwrap_or_default() });
        Ok(Self {
            url: format!("http://{address}"),
            held,
            _server: tasks,
        })
    }

    /// The value of `otlp.endpoint`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All received spans, in order of arrival.
    pub fn spans(&self) -> Vec<Span> {
        self.lock().spans.clone()
    }

    /// `service name` of every received metric.
    pub fn metrics(&self) -> BTreeSet<String> {
        self.lock().metrics.clone()
    }

    /// `authorization` of every request, in order of arrival.
    pub fn authorizations(&self) -> Vec<String> {
        self.lock().headers.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn traces(request: HttpRequest, body: Bytes, held: Data<Arc<Mutex<Held>>>) -> HttpResponse {
    let Ok(sent) = ExportTraceServiceRequest::decode(body) else {
        return HttpResponse::BadRequest().finish();
    };
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    held.saw(&request);
    for resource in sent.resource_spans {
        let service = service(resource.resource.as_ref());
        for scope in resource.scope_spans {
            let name = scope.scope.map(|it| it.name).unwrap_or_default();
            held.spans.extend(scope.spans.into_iter().map(|span| {
                Span {
                    service: service.clone(),
                    scope: name.clone(),
                    name: span.name,
                    trace_id: span.trace_id,
                    id: span.span_id,
                    parent: span.parent_span_id,
                    time: (span.start_time_unix_nano, span.end_time_unix_nano),
                    attributes: texts(&span.attributes),
                    error: span
                        .status
                        .filter(|status| status.code == 2)
                        .map(|it| it.message),
                }
            }));
        }
    }
    HttpResponse::Ok().finish()
}

async fn metrics(request: HttpRequest, body: Bytes, held: Data<Arc<Mutex<Held>>>) -> HttpResponse {
    let Ok(sent) = ExportMetricsServiceRequest::decode(body) else {
        return HttpResponse::BadRequest().finish();
    };
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    held.saw(&request);
    for resource in sent.resource_metrics {
        let service = service(resource.resource.as_ref());
        let metrics = resource.scope_metrics.into_iter().flat_map(|it| it.metrics);
        held.metrics
            .extend(metrics.map(|metric| format!("{service} {}", metric.name)));
    }
    HttpResponse::Ok().finish()
}

impl Held {
    fn saw(&mut self, request: &HttpRequest) {
        let header = request.headers().get("authorization");
        let text = header.and_then(|it| it.to_str().ok()).unwrap_or_default();
        self.headers.push(text.to_owned());
    }
}

fn service(resource: Option<&Resource>) -> String {
    let attributes = resource.map(|it| texts(&it.attributes)).unwrap_or_default();
    attributes.get("service.name").cloned().unwrap_or_default()
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    attributes
        .iter()
        .map(|it| (it.key.clone(), text(it.value.as_ref())))
        .collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|it| it.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}
