//! The ingest role: the service over the log in NATS.

use std::sync::Arc;

use fanjet_log_nats::{NatsBookmarks, NatsClusterState, NatsLog, raw_log};
use fanjet_runtime::{Clock, SystemClock};
use fanjet_service::{Failure, Process};

use crate::{Candidacy, Ingest, IngestSettings, show_subjects};

/// Reads the upstream until it is stopped, or stands by.
///
/// # Errors
/// Why it cannot continue.
pub async fn serve(settings: IngestSettings, process: &mut Process) -> Result<(), Failure> {
    // Before waiting for the log, so that an invalid setting is reported at once.
    settings.ingest.validate()?;
    let raw = settings.raw.enabled.then(|| {
        raw_log(settings.nats.of_frames(&settings.raw), || {
            SystemClock.now_us()
        })
    });
    let connecting = NatsLog::connect_patiently(settings.nats, || SystemClock.now_us());
    let Some(log) = process.unless_stopped(connecting).await else {
        return Ok(());
    };
    let log = log?;
    show_subjects(&process.meter("fanjet-ingest"), log.spread());
    let instance = process.instance().to_owned();
    let notices = NatsClusterState::of(&log).await?;
    let bookmarks = NatsBookmarks::of(&log).await?;
    let lease = &settings.ingest.lease;
    let candidacy = if lease.enabled {
        Candidacy::shared(Arc::new(log.lease().await?), &instance, lease)?
    } else {
        Candidacy::alone(&instance)?
    };
    let mut ingest = Ingest::new(
        settings.ingest,
        Arc::new(log),
        Arc::new(SystemClock),
        &process.meter("fanjet-ingest"),
    )?
    .with_cluster_state(Arc::new(notices))
    .recording(Arc::new(bookmarks))
    .traced_by(process.tracer("fanjet-ingest"));
    if let Some(raw) = raw {
        ingest = ingest.with_raw_log(raw, &process.meter("fanjet-ingest"))?;
    }
    process.serve_ops(&settings.ops, ingest.health())?;
    Ok(ingest.run(candidacy, process.stop()).await?)
}
