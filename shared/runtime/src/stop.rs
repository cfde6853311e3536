//! Shutdown: one token that everything long-running watches.

use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

/// Asked to stop? Clones share the state; children stop with their parent.
pub type Stop = tokio_util::sync::CancellationToken;

/// Waits for SIGTERM or SIGINT, then triggers `stop`. Returns early when `stop` is triggered otherwise.
///
/// # Errors
/// When the process cannot watch its signals.
pub async fn stop_on_signal(stop: Stop) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
        () = stop.cancelled() => return Ok(()),
    };
    info!(signal = name, "stopping");
    stop.cancel();
    Ok(())
}
