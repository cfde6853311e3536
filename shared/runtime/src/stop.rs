//! Shutdown: one token that every long-running task watches.

use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

/// A cancellation token for shutdown. Clones share the state; children stop with their parent.
pub type Stop = tokio_util::sync::CancellationToken;

/// Waits for SIGTERM or SIGINT, then triggers `stop`. Returns early if `stop` is triggered elsewhere.
///
/// # Errors
/// When the signal handlers cannot be installed.
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
