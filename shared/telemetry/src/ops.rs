//! The ops HTTP server: `/livez`, `/readyz`, `/startupz`, `/metrics`. For the operator's network only.

mod slots;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::http::header::ContentType;
use actix_web::rt::net::TcpStream;
use actix_web::{App, HttpResponse, web};
use fanjet_http::{Listening, Paths, Setup, get, listen, semantics};
use fanjet_runtime::Stop;
use thiserror::Error;
use tracing::debug;

use self::slots::Slots;
use crate::{Health, Metrics, OpsConfig};

/// The name of the log in health reports.
const LOG: &str = "log";
const PATHS: Paths = Paths(&["/livez", "/readyz", "/startupz", "/metrics"]);
/// Maximum number of connections.
const MAX_CONNECTIONS: usize = 256;
/// Connections that were closed in favor of newer ones.
const REPLACED: &str = "fanjet_ops_replaced_connections_total";
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The ops server failed.
#[derive(Debug, Error)]
pub enum OpsError {
    /// The address cannot be used. The operator is at fault.
    #[error("invalid setting ops.listen: cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: std::io::Error,
    },
    /// The server ended unexpectedly.
    #[error("ops server failed: {0}")]
    Serve(#[from] std::io::Error),
}

/// A bound ops server that does not run yet.
pub struct OpsServer(Listening);

impl OpsServer {
    /// Binds `ops.listen`; port 0 picks a free port. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`OpsError::Listen`].
    pub fn bind(config: &OpsConfig, metrics: Metrics, health: Health) -> Result<Self, OpsError> {
        let setup = Setup {
            listen: config.listen,
            workers: 1,
            // A closed connection needs a moment to end, and a new one must not wait for it.
            max_connections: 2 * MAX_CONNECTIONS,
            tls: None,
            head_timeout: Duration::from_secs(5),
            linger: Duration::from_secs(1),
            shutdown_timeout: Duration::from_secs(1),
        };
        let replaced = metrics.meter("fanjet-ops").u64_counter(REPLACED).build();
        let slots = Arc::new(Slots::new(MAX_CONNECTIONS, replaced));
        let accept = move |stream: &TcpStream| match slots.take(stream) {
            Ok(slot) => Some(slot),
            Err(error) => {
                debug!(%error, "connection ended before its request");
                None
            }
        };
        let started = web::Data::new(Started::default());
        let app = move || {
            App::new()
                .app_data(started.clone())
                .app_data(web::Data::new(metrics.clone()))
                .app_data(web::Data::new(health.clone()))
                .wrap_fn(|request, service| semantics(request, service, &[]))
                .service(get("/livez", livez))
                .service(get("/readyz", readyz))
                .service(get("/startupz", startupz))
                .service(get("/metrics", render_metrics))
                .default_service(web::to(PATHS.others()))
        };
        let listening = listen(setup, accept, app);
        let listening = listening.map_err(|source| OpsError::Listen {
            address: config.listen,
            source,
        })?;
        Ok(Self(listening))
    }

    /// The listen address.
    pub fn address(&self) -> SocketAddr {
        self.0.addr()
    }

    /// Serves until `stop`.
    ///
    /// # Errors
    /// [`OpsError::Serve`].
    pub async fn run(self, stop: Stop) -> Result<(), OpsError> {
        Ok(self.0.run(stop).await?)
    }
}

async fn livez() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "alive": true }))
}

async fn readyz(health: web::Data<Health>) -> HttpResponse {
    let report = health.report();
    if report.ready {
        HttpResponse::Ok().json(report)
    } else {
        HttpResponse::ServiceUnavailable().json(report)
    }
}

/// Whether the service has reached its log once. Anything else may take any time: a restart does not help against an
/// upstream outage.
#[derive(Debug, Default)]
struct Started(AtomicBool);

async fn startupz(health: web::Data<Health>, started: web::Data<Started>) -> HttpResponse {
    let report = health.report();
    if !report.missing.contains_key(LOG) {
        started.0.store(true, Ordering::Relaxed);
    }
    if started.0.load(Ordering::Relaxed) {
        HttpResponse::Ok().json(serde_json::json!({ "started": true }))
    } else {
        HttpResponse::ServiceUnavailable().json(report)
    }
}

async fn render_metrics(metrics: web::Data<Metrics>) -> HttpResponse {
    match metrics.render() {
        Ok(text) => HttpResponse::Ok().content_type(PROMETHEUS_TEXT).body(text),
        Err(error) => HttpResponse::InternalServerError()
            .content_type(ContentType::plaintext())
            .body(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
