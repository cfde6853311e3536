//! Opens the log that the settings name.

use std::sync::Arc;

use fanjet_boot::{Failure, Process};
use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;
use fanjet_log_nats::NatsLog;

use super::ServeSettings;
use super::settings::LogKind;

/// `None` when the process was asked to stop meanwhile.
pub(crate) async fn open_log(
    settings: &ServeSettings,
    process: &Process,
) -> Option<Result<Arc<dyn EventLog>, Failure>> {
    match settings.log.kind {
        LogKind::Embedded => Some(Ok(Arc::new(MemoryLog::new()))),
        LogKind::Nats => {
            let connecting = NatsLog::connect_patiently(settings.nats.clone());
            let log = process.unless_stopped(connecting).await?;
            Some(log.map_err(Failure::from).map(|log| Arc::new(log) as _))
        }
    }
}
