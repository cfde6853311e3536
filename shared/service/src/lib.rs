//! The common parts of every Fanjet process: allocator, settings, logs, open files, runtime, signals, ops server, exit
//! code.
//!
//! The service itself is an argument. This crate must never know a service, nor where the log is.

mod settings;
mod healthcheck;
mod open_files;
mod failure;
mod process;

use std::process::ExitCode;
use std::time::Duration;

use fanjet_config::{
    Flags, Fragment, fail, ignored_service_links, of_other_roles, settings_or_exit,
};
use fanjet_telemetry::init_logs;
use mimalloc::MiMalloc;
use tracing::info;

pub use failure::Failure;
pub use process::Process;
pub use settings::Settings;

/// For every process: NATS clients allocate many small buffers and free them on other threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How long the shutdown waits for blocking calls. Nothing that was acknowledged depends on one.
const LEFT_BEHIND: Duration = Duration::from_secs(1);

/// Reads the settings and runs `service` until it ends or is stopped. Flags can ask for something else, without a
/// service: see [`Flags`]. `tree` has the sections of all roles: those of others are ignored.
pub fn run<S: Settings>(
    tree: &[Fragment],
    flags: &Flags,
    service: impl AsyncFnOnce(S, &mut Process) -> Result<(), Failure>,
) -> ExitCode {
    if let Some(time) = flags.drain_wait {
        std::thread::sleep(time);
        return ExitCode::SUCCESS;
    }
    match (settings_or_exit::<S>(tree, flags), flags.healthcheck) {
        (Ok(settings), None) => run_with(settings, async |settings, process| {
            log_ignored_variables::<S>(tree);
            service(settings, process).await
        }),
        (Ok(settings), Some(question)) => healthcheck::main(settings.ops(), question),
        (Err(code), _) => code,
    }
}

/// As [`run`], with settings that were read before.
pub fn run_with<S: Settings>(
    settings: S,
    service: impl AsyncFnOnce(S, &mut Process) -> Result<(), Failure>,
) -> ExitCode {
    match init_logs(settings.telemetry())
        .map_err(Failure::from)
        .and_then(|()| block_on(settings, service))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(&failure, failure.code()),
    }
}

fn block_on<S: Settings>(
    settings: S,
    service: impl AsyncFnOnce(S, &mut Process) -> Result<(), Failure>,
) -> Result<(), Failure> {
    open_files::raise();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let mut process = Process::new(S::NAME, settings.otlp())?;
        let outcome = service(settings, &mut process).await;
        outcome.and(process.end().await)
    });
    // Dropping the runtime would wait for every blocking call, such as a disk or a resolver that hangs.
    runtime.shutdown_timeout(LEFT_BEHIND);
    outcome
}

fn log_ignored_variables<S: Settings>(tree: &[Fragment]) {
    let links = ignored_service_links();
    if !links.is_empty() {
        info!(
            variables = links.join(" "),
            "ignoring Kubernetes service links in the environment, they are not settings"
        );
    }
    let foreign = of_other_roles::<S>(tree);
    if !foreign.is_empty() {
        info!(
            variables = foreign.join(" "),
            "ignoring settings of other roles in the environment"
        );
    }
}
