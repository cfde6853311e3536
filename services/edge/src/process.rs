//! The edge role: the node over the log in NATS.

use std::sync::Arc;

use fanjet_log_nats::{NatsClusterState, NatsLog};
use fanjet_output::say;
use fanjet_runtime::{Clock, SystemClock};
use fanjet_service::{Failure, Process};

use crate::tail::Compression;
use crate::{Edge, EdgeSettings, Surroundings};

/// Serves clients until it is stopped.
///
/// # Errors
/// Why it cannot go on.
pub async fn serve(settings: EdgeSettings, process: &mut Process) -> Result<(), Failure> {
    // Before the log is waited for, so that a wrong setting is told at once.
    Compression::load(&settings.edge.zstd)?;
    let connecting = NatsLog::connect_patiently(settings.nats, || SystemClock.now_us());
    let Some(log) = process.unless_stopped(connecting).await else {
        return Ok(());
    };
    let log = log?;
    let notices = NatsClusterState::of(&log).await?;
    let surroundings = Surroundings {
        log: Arc::new(log),
        notices: Arc::new(notices),
        clock: Arc::new(SystemClock),
        instance: process.instance().to_owned(),
        tracer: process.tracer("fanjet-edge"),
    };
    let edge = Edge::start_in(
        settings.edge,
        surroundings,
        &process.meter("fanjet-edge"),
        process.stop(),
    )?;
    process.serve_ops(&settings.ops, edge.health())?;
    say(format_args!("listening {}", edge.url()));
    Ok(edge.join().await?)
}
