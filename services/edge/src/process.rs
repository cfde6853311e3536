//! The edge role: a node over the log in NATS.

use std::sync::Arc;

use fanjet_log_nats::{NatsClusterState, NatsLog, raw_log};
use fanjet_output::say;
use fanjet_runtime::{Clock, SystemClock};
use fanjet_service::{Failure, Process};

use crate::tail::Compression;
use crate::{Edge, EdgeDeps, EdgeSettings, LabelsLog, OtherLogs};

/// Serves clients until it is stopped.
///
/// # Errors
/// Why it cannot continue.
pub async fn serve(settings: EdgeSettings, process: &mut Process) -> Result<(), Failure> {
    // Checked before waiting for the log, so that an invalid setting is reported immediately.
    Compression::load(&settings.edge.zstd)?;
    let raw = settings.raw.enabled.then(|| {
        let config = settings.nats.of_frames(&settings.raw);
        raw_log(config, || SystemClock.now_us())
    });
    let labels = settings.labels.is_wanted().then(|| {
        let config = settings.nats.of_labels(&settings.labels);
        let log = raw_log(config, || SystemClock.now_us());
        LabelsLog::new(log, &settings.labels)
    });
    let connecting = NatsLog::connect_patiently(settings.nats, || SystemClock.now_us());
    let Some(log) = process.unless_stopped(connecting).await else {
        return Ok(());
    };
    let log = log?;
    let cluster_state = NatsClusterState::of(&log).await?;
    let deps = EdgeDeps {
        log: Arc::new(log),
        cluster_state: Arc::new(cluster_state),
        clock: Arc::new(SystemClock),
        instance: process.instance().to_owned(),
        tracer: process.tracer("fanjet-edge"),
    };
    let edge = Edge::start_with(
        settings.edge,
        deps,
        OtherLogs { raw, labels },
        &process.meter("fanjet-edge"),
        process.stop(),
    )?;
    process.serve_ops(&settings.ops, edge.health())?;
    say(format_args!("listening {}", edge.url()));
    Ok(edge.join().await?)
}
