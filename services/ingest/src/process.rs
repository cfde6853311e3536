//! The ingest role: the service over the log in NATS.

use std::sync::Arc;

use fanjet_log_nats::{NatsBookmarks, NatsLog, NatsNotices};
use fanjet_runtime::{Clock, SystemClock};
use fanjet_service::{Failure, Process};

use crate::{Candidacy, Ingest, IngestConfig, show_subjects};

/// Reads the upstream until it is stopped, or stands by.
///
/// # Errors
/// Why it cannot go on.
pub async fn serve(config: IngestConfig, process: &mut Process) -> Result<(), Failure> {
    config.validate()?;
    let filter = config.filter.load()?;
    let connecting = NatsLog::connect_patiently(config.nats, || SystemClock.now_us());
    let Some(log) = process.unless_stopped(connecting).await else {
        return Ok(());
    };
    let log = log?;
    show_subjects(&process.meter("fanjet-ingest"), log.spread());
    let instance = process.instance().to_owned();
    let notices = NatsNotices::of(&log).await?;
    let bookmarks = NatsBookmarks::of(&log).await?;
    let candidacy = if config.lease.enabled {
        Candidacy::shared(Arc::new(log.lease().await?), &instance, &config.lease)?
    } else {
        Candidacy::alone(&instance)?
    };
    let ingest = Ingest::new(
        config.upstream,
        config.pipeline,
        Arc::new(log),
        Arc::new(SystemClock),
        &process.meter("fanjet-ingest"),
    )?
    .telling(Arc::new(notices), config.freshness)?
    .recording(Arc::new(bookmarks))
    .keeping(filter)
    .traced_by(process.tracer("fanjet-ingest"));
    process.serve_ops(&config.ops, ingest.health())?;
    Ok(ingest.run(candidacy, process.stop()).await?)
}
