//! The ops HTTP server: `/livez`, `/readyz`, `/startupz`, `/metrics`. For the operator's network, not for the public.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, web};
use fanjet_actors::Stop;
use thiserror::Error;

use crate::{Health, Metrics, OpsConfig};

/// What all services call the log in their reports.
const LOG: &str = "log";
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The ops server failed.
#[derive(Debug, Error)]
pub enum OpsError {
    /// The address cannot be used. The operator's fault.
    #[error("wrong setting ops.listen: cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The server ended by itself.
    #[error("the ops server failed: {0}")]
    Serve(#[from] std::io::Error),
}

/// A bound, not yet running ops server.
pub struct OpsServer {
    address: SocketAddr,
    server: actix_web::dev::Server,
}

impl OpsServer {
    /// Binds `ops.listen`; port 0 takes a free one. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// [`OpsError::Listen`].
    pub fn bind(config: &OpsConfig, metrics: Metrics, health: Health) -> Result<Self, OpsError> {
        let listen = |source| OpsError::Listen {
            address: config.listen,
            source,
        };
        let started = web::Data::new(Started::default());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(started.clone())
                .app_data(web::Data::new(metrics.clone()))
                .app_data(web::Data::new(health.clone()))
                .route("/livez", web::get().to(livez))
                .route("/readyz", web::get().to(readyz))
                .route("/startupz", web::get().to(startupz))
                .route("/metrics", web::get().to(render_metrics))
        })
        .workers(1)
        .max_connections(256)
        .client_request_timeout(Duration::from_secs(5))
        .disable_signals()
        .shutdown_timeout(1)
        .bind(config.listen)
        .map_err(listen)?;
        let address = server.addrs().first().copied().unwrap_or(config.listen);
        Ok(Self {
            address,
            server: server.run(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`.
    ///
    /// # Errors
    /// [`OpsError::Serve`].
    pub async fn run(self, stop: Stop) -> Result<(), OpsError> {
        let handle = self.server.handle();
        let mut server = std::pin::pin!(self.server);
        tokio::select! {
            ended = &mut server => return Ok(ended?),
            () = stop.cancelled() => {}
        }
        let (stopped, ()) = tokio::join!(server, handle.stop(true));
        Ok(stopped?)
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

/// Whether the service has reached its log once. What else it waits for may take as long as it likes: a process is not
/// started again because an upstream is away.
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
