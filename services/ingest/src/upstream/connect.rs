//! Connects a WebSocket to an upstream, following its redirects.

mod redirect;

use std::collections::HashMap;
use std::sync::Arc;

use fanjet_firehose::seq_at_beginning;
use fanjet_log::UpstreamId;
use fanjet_websocket::tungstenite::Error;
use fanjet_websocket::tungstenite::http::header::LOCATION;
use fanjet_websocket::{Dial, Socket, connect_over};
use parking_lot::Mutex;
use tokio::time::timeout;
use tracing::info;
use url::Url;

use super::ended::Ended;
use crate::config::{Endpoint, UpstreamConfig};
use crate::labels::Disconnect;
use redirect::{Redirects, with_cursor};

/// Connects to upstreams.
#[derive(Clone)]
pub(super) struct Connector {
    config: UpstreamConfig,
    dial: Arc<dyn Dial>,
    /// Where each upstream redirects to: logged once, not on every connection.
    logged: Arc<Mutex<HashMap<UpstreamId, Url>>>,
}

impl Connector {
    pub(super) fn new(config: UpstreamConfig, dial: Arc<dyn Dial>) -> Self {
        Self {
            config,
            dial,
            logged: Arc::default(),
        }
    }

    /// Connects with `cursor`.
    pub(super) async fn connect(
        &self,
        endpoint: &Endpoint,
        cursor: Option<u64>,
    ) -> Result<Socket, Ended> {
        let patience = self.config.connect_timeout;
        let following = Box::pin(self.follow(endpoint, cursor));
        timeout(patience, following).await.unwrap_or_else(|_late| {
            Err(Ended::new(
                Disconnect::Connect,
                format!("no response within {patience:?}"),
            ))
        })
    }

    async fn follow(&self, endpoint: &Endpoint, cursor: Option<u64>) -> Result<Socket, Ended> {
        let mut redirects = Redirects::from(endpoint.url.clone());
        loop {
            let url = with_cursor(redirects.url(), cursor);
            let max_bytes = self.config.max_frame_bytes;
            let connecting = connect_over(&*self.dial, &url, max_bytes, seq_at_beginning);
            let response = match connecting.await {
                Ok(socket) => {
                    self.log_redirects(&endpoint.id, &redirects);
                    return Ok(socket);
                }
                Err(Error::Http(response)) => response,
                Err(error) => return Err(Ended::new(Disconnect::Connect, error)),
            };
            let location = response.headers().get(LOCATION);
            let location = location.and_then(|location| location.to_str().ok());
            redirects
                .follow(response.status().as_u16(), location)
                .map_err(|why| Ended::new(Disconnect::Connect, why))?;
        }
    }

    fn log_redirects(&self, upstream: &UpstreamId, redirects: &Redirects) {
        let mut logged = self.logged.lock();
        if !redirects.is_any() {
            logged.remove(upstream);
        } else if logged.get(upstream) != Some(redirects.url()) {
            logged.insert(upstream.clone(), redirects.url().clone());
            info!(
                upstream = upstream.as_str(),
                to = redirects.url().as_str(),
                "the upstream redirects, consider setting ingest.upstream.url to the target"
            );
        }
    }
}
