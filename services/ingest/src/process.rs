//! The roles ingest and labels: the services over logs in NATS.

use std::sync::Arc;

use fanjet_log::{LogError, RawLog};
use fanjet_log_nats::{NatsBookmarks, NatsClusterState, NatsLog, raw_log};
use fanjet_runtime::{Clock, SystemClock};
use fanjet_service::{Failure, Process};

use crate::config::LeaseConfig;
use crate::{
    Candidacy, Ingest, IngestError, IngestSettings, Labels, LabelsSettings, show_subjects,
};

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
    let candidacy = candidacy(&log, &instance, &settings.ingest.lease).await??;
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

/// Reads labelers until it is stopped, or stands by.
///
/// # Errors
/// Why it cannot continue.
pub async fn serve_labels(settings: LabelsSettings, process: &mut Process) -> Result<(), Failure> {
    let LabelsSettings {
        ingest,
        labels,
        nats,
        ops,
        ..
    } = settings;
    if !labels.is_wanted() {
        return Err(Failure::config(IngestError::Config {
            key: "labels.labelers",
            reason: "there are none to read".to_owned(),
        }));
    }
    // Before waiting for the log, so that an invalid setting is reported at once.
    Labels::validate(&ingest, &labels)?;
    let nats = nats.of_labels(&labels);
    let connecting = NatsLog::connect_patiently(nats, || SystemClock.now_us());
    let Some(log) = process.unless_stopped(connecting).await else {
        return Ok(());
    };
    let log = log?;
    let candidacy = candidacy(&log, process.instance(), &ingest.lease).await??;
    let bookmarks = NatsBookmarks::of(&log).await?;
    let log = RawLog::opened(Arc::new(log), Arc::new(bookmarks));
    let (clock, meter) = (Arc::new(SystemClock), process.meter("fanjet-labels"));
    let service = Labels::new(ingest, labels, log, clock, &meter)?;
    process.serve_ops(&ops, service.health())?;
    Ok(service.run(candidacy, process.stop()).await?)
}

async fn candidacy(
    log: &NatsLog,
    instance: &str,
    lease: &LeaseConfig,
) -> Result<Result<Candidacy, IngestError>, LogError> {
    Ok(match lease.enabled {
        true => Candidacy::shared(Arc::new(log.lease().await?), instance, lease),
        false => Candidacy::alone(instance),
    })
}
