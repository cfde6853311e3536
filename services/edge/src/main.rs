//! The edge process: settings, logs, log backend, node, ops server.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use fanjet_actors::{OnFailure, Stop, Tasks, stop_on_signal};
use fanjet_config::{EXIT_CONFIG, Flags, fail, settings_or_exit};
use fanjet_edge::tail::Compression;
use fanjet_edge::{Edge, EdgeError, EdgeSettings};
use fanjet_log::LogError;
use fanjet_log_nats::NatsLog;
use fanjet_telemetry::{Health, HealthReport, Metrics, OpsError, OpsServer, init_logs};

/// Serves the log in NATS JetStream to clients that speak Bluesky's Jetstream protocol.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
}

fn main() -> ExitCode {
    let settings: EdgeSettings = match settings_or_exit(EdgeSettings::DEFAULTS, &Cli::parse().flags)
    {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    if let Err(error) = init_logs(&settings.telemetry) {
        return fail(error, EXIT_CONFIG);
    }
    match run(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(format!("{error:#}"), exit_code(&error)),
    }
}

#[actix_web::main]
async fn run(settings: EdgeSettings) -> anyhow::Result<()> {
    // Before the log is waited for, so that a wrong setting is told at once.
    Compression::load(&settings.zstd)?;
    let stop = Stop::new();
    let metrics = Metrics::new()?;
    let mut tasks = Tasks::new(stop.clone());
    tasks.spawn("signals", OnFailure::StopAll, stop_on_signal(stop.clone()));
    let log = tokio::select! {
        log = NatsLog::connect_patiently(settings.nats.clone()) => log?,
        () = stop.cancelled() => return Ok(tasks.join().await?),
    };
    let edge = Edge::start(
        settings.edge(),
        Arc::new(log),
        &metrics.meter("fanjet-edge"),
        stop.clone(),
    )?;
    let probe = edge.readiness_probe();
    let health = Health::new(move || {
        HealthReport::of(
            probe()
                .reasons
                .into_iter()
                .map(|reason| (reason.label(), Err(reason.to_string()))),
        )
    });
    let ops = OpsServer::bind(&settings.ops, metrics, health)?;
    writeln!(std::io::stdout(), "ops http://{}", ops.address())?;
    writeln!(std::io::stdout(), "listening ws://{}", edge.addr())?;

    // The ops server outlives the drain, so that probes see it.
    let ops_stop = Stop::new();
    tasks.spawn("ops", OnFailure::StopAll, ops.run(ops_stop.clone()));
    let outcome = edge.join().await;
    stop.cancel();
    ops_stop.cancel();
    let joined = tasks.join().await;
    outcome?;
    Ok(joined?)
}

fn exit_code(error: &anyhow::Error) -> u8 {
    let is_config = matches!(
        error.downcast_ref(),
        Some(EdgeError::Listen { .. } | EdgeError::Pool(_) | EdgeError::Compression { .. })
    ) || matches!(error.downcast_ref(), Some(OpsError::Listen { .. }))
        || matches!(error.downcast_ref(), Some(LogError::Misconfigured(_)));
    if is_config { EXIT_CONFIG } else { 1 }
}
