//! One subscription: reads the history at its own position and sends it.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_util::sync::CancellationToken;

use super::Server;
use crate::FaultKind;
use crate::history::{Entry, Start};
use crate::world::frame;

/// Frames taken from the history at once: a few hundred kilobytes.
const BATCH: usize = 64;

type Sink = SplitSink<WebSocketStream<TcpStream>, Message>;
type Source = SplitStream<WebSocketStream<TcpStream>>;

/// How many bytes may wait for a client that does not read; frames in immediate succession are fewer.
const MAX_WAITING: usize = 64 << 20;

/// Why a subscription ends.
enum End {
    /// The client disconnected, or is disconnected.
    Closed,
    /// A fault: no closing handshake.
    Cut,
}

/// Serves one client until it disconnects, or is cut off.
pub(super) async fn serve(
    server: &Server,
    stream: TcpStream,
    start: Start,
    cut: &CancellationToken,
) {
    let config = WebSocketConfig::default()
        .write_buffer_size(256 * 1024)
        .max_write_buffer_size(MAX_WAITING);
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let (mut sink, mut source) = socket.split();
    let end = run(server, &mut sink, &mut source, start, cut).await;
    if let Ok(End::Closed) = end
        && let Err(error) = sink.close().await
    {
        tracing::debug!(%error, "closing handshake");
    }
}

async fn run(
    server: &Server,
    sink: &mut Sink,
    source: &mut Source,
    start: Start,
    cut: &CancellationToken,
) -> tungstenite::Result<End> {
    let mut published = server.history.published();
    let mut position = match start {
        Start::At { position, outdated } => {
            if outdated {
                let message = "Requested cursor exceeded limit. Possibly missing events";
                send(sink, frame::info("OutdatedCursor", message)).await?;
            }
            position
        }
        Start::InTheFuture => {
            send(sink, frame::error("FutureCursor", "Cursor in the future.")).await?;
            return Ok(End::Closed);
        }
    };
    loop {
        published.mark_unchanged();
        let Ok(batch) = server.history.read(position, BATCH) else {
            return too_slow(sink).await;
        };
        // Another thread may cut the connection and publish while this one is busy: frames just read may be newer than
        // the end of the connection.
        if cut.is_cancelled() {
            return Ok(End::Cut);
        }
        if batch.is_empty() {
            tokio::select! {
                changed = published.changed() => if changed.is_err() { return Ok(End::Closed) },
                message = source.next() => match message {
                    // A pong has been queued for a ping; it is sent with the next flush.
                    Some(Ok(_)) => sink.flush().await?,
                    Some(Err(error)) => return Err(error),
                    None => return Ok(End::Closed),
                },
            }
            continue;
        }
        position += batch.len() as u64;
        let mut sending = pin!(send_batch(server, sink, &batch));
        loop {
            tokio::select! {
                sent = &mut sending => match sent? {
                    Some(end) => return Ok(end),
                    None => break,
                },
                message = source.next() => match message {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                    None => return Ok(End::Closed),
                },
            }
        }
    }
}

async fn send_batch(
    server: &Server,
    sink: &mut Sink,
    batch: &[Arc<Entry>],
) -> tungstenite::Result<Option<End>> {
    for entry in batch {
        match server.history.spend_fault(entry) {
            Some(FaultKind::Disconnect) => {
                sink.flush().await?;
                return Ok(Some(End::Cut));
            }
            Some(FaultKind::TooSlow) => return too_slow(sink).await.map(Some),
            Some(FaultKind::Stall) => {
                sink.flush().await?;
                tokio::time::sleep(server.stall).await;
            }
            _ => {}
        }
        sink.feed(Message::Binary(entry.bytes.clone())).await?;
    }
    sink.flush().await?;
    Ok(None)
}

async fn too_slow(sink: &mut Sink) -> tungstenite::Result<End> {
    let message = "Stream consumer too slow";
    send(sink, frame::error("ConsumerTooSlow", message)).await?;
    Ok(End::Closed)
}

async fn send(sink: &mut Sink, frame: Bytes) -> tungstenite::Result<()> {
    sink.send(Message::Binary(frame)).await
}
