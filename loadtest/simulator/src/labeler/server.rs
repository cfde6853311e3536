//! The stream of one labeler.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message, protocol::Role};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::ConnectionResponse;
use crate::server::http::{self, Reply};
use crate::world::frame;

const PATH: &str = "/xrpc/com.atproto.label.subscribeLabels";

/// What its connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) is_inclusive: bool,
    /// With their numbers, which rise.
    pub(super) frames: watch::Sender<Vec<(u64, Bytes)>>,
    pub(super) response: Mutex<ConnectionResponse>,
    pub(super) cursors: Mutex<Vec<Option<u64>>>,
    pub(super) documents: AtomicU64,
    pub(super) shutdown: CancellationToken,
    /// Cuts the open connections; replaced when used.
    pub(super) disconnect: Mutex<CancellationToken>,
    pub(super) tasks: TaskTracker,
}

impl Shared {
    /// Accepts connections until shutdown.
    pub(super) async fn run(self: Arc<Self>, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _peer)) = accepted else {
                continue;
            };
            let cut = self.disconnect.lock().clone();
            let shared = Arc::clone(&self);
            // A connection: ends by itself, or with the token.
            self.tasks.spawn(async move {
                let served = cut.run_until_cancelled(shared.connection(stream)).await;
                if let Some(Err(error)) = served {
                    tracing::debug!(%error, "connection ended");
                }
            });
        }
    }

    async fn connection(&self, mut stream: TcpStream) -> tungstenite::Result<()> {
        let request = http::read(&mut stream).await?;
        let Some(key) = request.websocket_key().filter(|_| request.path == PATH) else {
            return Ok(http::respond(&mut stream, Reply::not_found("no such path")).await?);
        };
        let cursor = request
            .query("cursor")
            .and_then(|cursor| cursor.parse().ok());
        self.cursors.lock().push(cursor);
        let response = *self.response.lock();
        match response {
            ConnectionResponse::Status(status) => {
                return Ok(http::respond(&mut stream, Reply::json(status, "{}")).await?);
            }
            ConnectionResponse::Redirect => {
                let again = Reply::redirect(PATH.to_owned());
                return Ok(http::respond(&mut stream, again).await?);
            }
            ConnectionResponse::Stream | ConnectionResponse::FutureCursor => {}
        }
        http::accept_websocket(&mut stream, key).await?;
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
        let mut frames = self.frames.subscribe();
        let newest = frames.borrow().last().map_or(0, |(seq, _)| *seq);
        let is_future = cursor.is_some_and(|cursor: u64| cursor > newest);
        if is_future || response == ConnectionResponse::FutureCursor {
            let error = frame::error("FutureCursor", "Cursor in the future.");
            socket.send(Message::Binary(error)).await?;
            return socket.close(None).await;
        }
        // Up to this number the client has everything.
        let mut sent = match cursor {
            None => newest,
            Some(cursor) if self.is_inclusive => cursor.saturating_sub(1),
            Some(cursor) => cursor,
        };
        loop {
            let next: Vec<_> = {
                let frames = frames.borrow_and_update();
                let from = frames.partition_point(|(seq, _)| *seq <= sent);
                frames[from..].iter().take(64).cloned().collect()
            };
            for (seq, frame) in &next {
                sent = *seq;
                socket.feed(Message::Binary(frame.clone())).await?;
            }
            socket.flush().await?;
            if !next.is_empty() {
                continue;
            }
            tokio::select! {
                changed = frames.changed() => if changed.is_err() { return Ok(()) },
                message = socket.next() => match message {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                    None => return Ok(()),
                },
            }
        }
    }
}
