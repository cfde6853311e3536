//! The ingest process: settings, logs, log backend, service, ops server.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use fanjet_actors::{OnFailure, Stop, SystemClock, Tasks, stop_on_signal};
use fanjet_config::{EXIT_CONFIG, Flags, fail, settings_or_exit};
use fanjet_ingest::{DEFAULTS, Ingest, IngestConfig, IngestError};
use fanjet_log::LogError;
use fanjet_log_nats::NatsLog;
use fanjet_telemetry::{Metrics, OpsError, OpsServer, init_logs};

/// Reads an ATProto firehose and keeps it as one ordered log in NATS JetStream.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
}

fn main() -> ExitCode {
    let config: IngestConfig = match settings_or_exit(DEFAULTS, &Cli::parse().flags) {
        Ok(config) => config,
        Err(code) => return code,
    };
    if let Err(error) = init_logs(&config.telemetry) {
        return fail(error, EXIT_CONFIG);
    }
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(format!("{error:#}"), exit_code(&error)),
    }
}

#[tokio::main]
async fn run(config: IngestConfig) -> anyhow::Result<()> {
    config.validate()?;
    let stop = Stop::new();
    let metrics = Metrics::new()?;
    let mut tasks = Tasks::new(stop.clone());
    tasks.spawn("signals", OnFailure::StopAll, stop_on_signal(stop.clone()));
    let log = tokio::select! {
        log = NatsLog::connect_patiently(config.nats) => log?,
        () = stop.cancelled() => return Ok(tasks.join().await?),
    };
    let meter = metrics.meter("fanjet-ingest");
    let ingest = Ingest::new(
        config.upstream,
        config.pipeline,
        Arc::new(log),
        Arc::new(SystemClock),
        &meter,
    )?;
    let ops = OpsServer::bind(&config.ops, metrics, ingest.health())?;
    writeln!(std::io::stdout(), "ops http://{}", ops.address())?;

    // The ops server outlives the drain, so that probes see it.
    let ops_stop = Stop::new();
    tasks.spawn("ops", OnFailure::StopAll, ops.run(ops_stop.clone()));
    let outcome = ingest.run(stop.clone()).await;
    stop.cancel();
    ops_stop.cancel();
    let joined = tasks.join().await;
    outcome?;
    Ok(joined?)
}

fn exit_code(error: &anyhow::Error) -> u8 {
    let is_config = matches!(error.downcast_ref(), Some(IngestError::Config { .. }))
        || matches!(error.downcast_ref(), Some(OpsError::Listen { .. }))
        || matches!(error.downcast_ref(), Some(LogError::Misconfigured(_)));
    if is_config { EXIT_CONFIG } else { 1 }
}
