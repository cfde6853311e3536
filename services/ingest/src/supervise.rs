//! The tasks of one log during one term, and the order in which they end.

use std::sync::Arc;

use fanjet_log::Bookmarks;
use fanjet_runtime::{OnFailure, Tasks};
use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::IngestError;
use crate::batch::FrameBatch;
use crate::bookmark::{Bookmark, save_rarely};
use crate::config::PipelineConfig;
use crate::lead::NOT_ALL_APPENDED;
use crate::queue::queue;
use crate::upstream::Upstream;

/// Which log it is, in the names of tasks and in log lines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    pub(crate) log: &'static str,
    pub(crate) upstream: &'static str,
    pub(crate) bookmark: &'static str,
}

/// Runs both halves of a pipeline, and what `tasks` has already. On the stop of `tasks` the upstream half ends first; `append` ends
/// when nothing is left.
pub(crate) async fn supervise<A>(
    names: Names,
    upstream: Upstream,
    append: impl FnOnce(mpsc::Receiver<FrameBatch>) -> A,
    (positions, settled): (Arc<dyn Bookmarks>, watch::Receiver<Option<Bookmark>>),
    limits: &PipelineConfig,
    mut tasks: Tasks,
) -> Result<(), IngestError>
where
    A: Future<Output = Result<(), IngestError>>,
{
    let stop = tasks.stop().clone();
    let bytes = limits.queue_batches.saturating_mul(limits.batch_bytes);
    let (sender, receiver) = queue(limits.queue_batches, bytes);
    let saving = stop.clone();
    tasks.spawn(names.bookmark, OnFailure::Log, async move {
        save_rarely(positions, settled, saving).await;
        Ok::<(), IngestError>(())
    });
    let reading = stop.clone();
    tasks.spawn(names.upstream, OnFailure::StopAll, async move {
        upstream.run(sender, reading).await;
        Ok::<(), IngestError>(())
    });
    let mut appending = std::pin::pin!(append(receiver));
    let appended = tokio::select! {
        appended = &mut appending => appended,
        () = stop.cancelled() => {
            let appended = tokio::time::timeout(limits.drain_timeout, appending).await;
            appended.unwrap_or_else(|_late| {
                warn!(log = names.log, "{NOT_ALL_APPENDED}");
                Ok(())
            })
        }
    };
    stop.cancel();
    let joined = tasks
        .join()
        .await
        .map_err(|error| IngestError::Task(error.to_string()));
    appended.and(joined)
}
