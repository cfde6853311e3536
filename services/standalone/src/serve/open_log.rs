//! Opens the log that the settings name.

use std::sync::Arc;

use fanjet_actors::SystemClock;
use fanjet_boot::{Failure, Process};
use fanjet_log::EventLog;
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog, OpenError};
use fanjet_log_nats::NatsLog;

use super::ServeSettings;
use super::settings::LogKind;

/// `None` when the process was asked to stop meanwhile.
pub(crate) async fn open_log(
    settings: &ServeSettings,
    process: &Process,
) -> Option<Result<Arc<dyn EventLog>, Failure>> {
    match settings.log.kind {
        LogKind::Embedded => {
            let opening = open_embedded(settings.embedded.clone());
            process.unless_stopped(opening).await
        }
        LogKind::Nats => {
            let connecting = NatsLog::connect_patiently(settings.nats.clone());
            let log = process.unless_stopped(connecting).await?;
            Some(log.map_err(Failure::from).map(|log| Arc::new(log) as _))
        }
    }
}

async fn open_embedded(config: EmbeddedConfig) -> Result<Arc<dyn EventLog>, Failure> {
    match EmbeddedLog::open(config, Arc::new(SystemClock)).await {
        Ok(log) => Ok(Arc::new(log)),
        Err(OpenError::Setting { key, what }) => Err(Failure::config(format_args!(
            "wrong setting embedded.{key}: {what}"
        ))),
        Err(error) => Err(Failure::other(error)),
    }
}
