//! One firehose connection: reads binary frames, keeps the connection alive, reconnects for ever.
//!
//! Nothing here looks into a frame further than its seq. An upstream that is down, wrong or hostile is retried with
//! growing pauses; it never ends the process.

mod connection;
mod position;

use fanjet_actors::{Backoff, Stop};
use fanjet_log::UpstreamId;
use tokio::sync::mpsc;
use tracing::{info, warn};
use url::Url;

use crate::config::{PipelineConfig, UpstreamConfig};
use crate::decode::FrameBatch;
use crate::metrics::IngestMetrics;
use crate::status::Status;
use connection::Connection;
use position::Position;

/// Reads one upstream for the life of the process.
pub(crate) struct Upstream {
    pub(crate) id: UpstreamId,
    pub(crate) endpoint: Url,
    pub(crate) config: UpstreamConfig,
    pub(crate) batch: PipelineConfig,
    /// The cursor to start behind; `None` for what happens now.
    pub(crate) cursor: Option<u64>,
    pub(crate) metrics: IngestMetrics,
    pub(crate) status: Status,
}

impl Upstream {
    /// Sends what is read to `batches` until `stop`, or until nobody takes it any more. Waits when the queue is full,
    /// so that the upstream feels it.
    pub(crate) async fn run(self, batches: mpsc::Sender<FrameBatch>, stop: Stop) {
        let mut position = Position::behind(self.cursor);
        let mut backoff = Backoff::new(self.config.reconnect_min, self.config.reconnect_max);
        while !stop.is_cancelled() && !batches.is_closed() {
            let outcome = tokio::select! {
                () = stop.cancelled() => break,
                outcome = self.connect_and_read(&mut position, &mut backoff, &batches) => outcome,
            };
            self.status.set_upstream_connected(false);
            self.metrics.connected(false);
            let Err(ended) = outcome else {
                break;
            };
            self.metrics.disconnected(ended.why);
            let pause = backoff.next_pause();
            warn!(
                upstream = self.id.as_str(),
                reason = ended.detail,
                ?pause,
                cursor = position.cursor(),
                "not connected to the upstream, trying again"
            );
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Returns `Ok` when nobody takes the batches any more.
    async fn connect_and_read(
        &self,
        position: &mut Position,
        backoff: &mut Backoff,
        batches: &mpsc::Sender<FrameBatch>,
    ) -> Result<(), connection::Ended> {
        let mut connection =
            Connection::open(&self.endpoint, position.cursor(), &self.config).await?;
        info!(
            upstream = self.id.as_str(),
            cursor = position.cursor(),
            "connected to the upstream"
        );
        self.status.set_upstream_connected(true);
        self.metrics.connected(true);
        loop {
            let frames = connection.next_frames(&self.batch).await?;
            self.metrics
                .read(frames.len(), frames.iter().map(bytes::Bytes::len).sum());
            if position.advance(&frames) {
                backoff.reset();
            }
            let batch = FrameBatch {
                upstream: self.id.clone(),
                frames,
            };
            if batches.send(batch).await.is_err() {
                return Ok(());
            }
        }
    }
}
