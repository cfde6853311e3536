//! The relay for clients: WebSocket, DID documents, health and statistics on one port.

pub(crate) mod http;
mod did_documents;
mod profiles;
mod crawls;
mod shared;
mod relay;
mod stats;
mod subscribe_repos;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub use crawls::CrawlRequest;
pub(crate) use crawls::CrawlRequests;
use http::{Reply, Request};
pub(crate) use shared::Server;
pub use stats::Stats;

const SUBSCRIBE_REPOS: &str = "/xrpc/com.atproto.sync.subscribeRepos";

impl Server {
    /// Accepts connections until shutdown.
    pub(crate) async fn run(self: Arc<Self>, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            // Read before checking whether the server is down: an older token is cancelled by going down.
            let cut = self.disconnect.lock().clone();
            match accepted {
                Ok(_) if self.is_down.load(Ordering::SeqCst) => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                }
                Ok((stream, _peer)) => {
                    // A connection: ends by itself, or with the token.
                    let connection = self.clone().connection(stream, cut);
                    self.tasks.spawn(connection);
                }
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a connection");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
    }

    /// Closes all open connections.
    pub(crate) fn disconnect_all(&self) {
        let mut current = self.disconnect.lock();
        std::mem::replace(&mut *current, self.shutdown.child_token()).cancel();
    }

    async fn connection(self: Arc<Self>, mut stream: TcpStream, cut: CancellationToken) {
        let served = cut.run_until_cancelled(async {
            let place = self.places.clone().try_acquire_owned();
            let request = http::read(&mut stream).await?;
            if place.is_err() {
                return http::respond(&mut stream, Reply::busy()).await;
            }
            self.request(stream, request, &cut).await
        });
        if let Some(Err(error)) = served.await {
            tracing::debug!(%error, "connection ended");
        }
    }

    async fn request(
        &self,
        mut stream: TcpStream,
        request: Request,
        cut: &CancellationToken,
    ) -> std::io::Result<()> {
        let reply = match request.path.as_str() {
            SUBSCRIBE_REPOS => match request.websocket_key() {
                Some(key) => return self.subscribe(stream, &request, key, cut).await,
                None => Reply::upgrade_required(),
            },
            "/xrpc/_health" => Reply::json(200, r#"{"version":"fanjet-simulator"}"#),
            "/stats" => Reply::json(200, self.stats().to_json()),
            profiles::GET_PROFILE => profiles::get(&self.directory, &request),
            path if path.starts_with("/did:") => did_documents::get(&self.directory, path),
            _ => relay::answer(self, &request).unwrap_or_else(|| Reply::not_found("no such path")),
        };
        http::respond(&mut stream, reply).await
    }

    async fn subscribe(
        &self,
        mut stream: TcpStream,
        request: &Request,
        key: &str,
        cut: &CancellationToken,
    ) -> std::io::Result<()> {
        let cursor = match request.query("cursor").filter(|cursor| !cursor.is_empty()) {
            None => None,
            // A negative cursor is older than everything.
            Some(cursor) => match cursor.parse::<i64>() {
                Ok(cursor) => Some(u64::try_from(cursor).unwrap_or(0)),
                Err(_) => {
                    let reply = Reply::bad_request("cursor is not a number");
                    return http::respond(&mut stream, reply).await;
                }
            },
        };
        // The client gets every frame published after it knows that it is connected.
        let (promised, habit) = (self.promised_seq, self.cursors);
        let start = self.history.start(cursor, promised, habit);
        http::accept_websocket(&mut stream, key).await?;
        stream.set_nodelay(true)?;
        let _counted = Counted::new(self);
        subscribe_repos::serve(self, stream, start, cut).await;
        Ok(())
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats::of(self)
    }
}

/// Counts one open subscription for as long as it lives.
struct Counted<'a>(&'a Server);

impl<'a> Counted<'a> {
    fn new(server: &'a Server) -> Self {
        server.subscriptions.fetch_add(1, Ordering::Relaxed);
        server.clients.send_modify(|clients| *clients += 1);
        Self(server)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.clients.send_modify(|clients| *clients -= 1);
    }
}
