//! Opens the log that the settings name.

use std::sync::Arc;

use fanjet_actors::{Clock, SystemClock};
use fanjet_boot::{Failure, Process};
use fanjet_log::memory::MemoryStore;
use fanjet_log::{EventLog, ExpiringStore};
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog, OpenError};
use fanjet_log_nats::{NatsLog, NatsStore};

use super::ServeSettings;
use super::settings::LogKind;

/// What keeps the events, and beside them the filters that clients store.
pub(crate) struct Storage {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) filters: Arc<dyn ExpiringStore>,
}

/// `None` when the process was asked to stop meanwhile.
pub(crate) async fn open_log(
    settings: &ServeSettings,
    process: &Process,
) -> Option<Result<Storage, Failure>> {
    match settings.log.kind {
        LogKind::Embedded => {
            let opening = open_embedded(settings.embedded.clone());
            process.unless_stopped(opening).await
        }
        LogKind::Nats => {
            let connecting = NatsLog::connect_patiently(settings.nats.clone());
            let log = process.unless_stopped(connecting).await?;
            Some(log.map_err(Failure::from).map(|log| {
                let bucket = settings.filter_bucket.clone();
                let filters = NatsStore::new(&log, bucket, || SystemClock.now_us());
                Storage {
                    log: Arc::new(log),
                    filters: Arc::new(filters),
                }
            }))
        }
    }
}

async fn open_embedded(config: EmbeddedConfig) -> Result<Storage, Failure> {
    match EmbeddedLog::open(config, Arc::new(SystemClock)).await {
        Ok(log) => Ok(Storage {
            log: Arc::new(log),
            filters: Arc::new(MemoryStore::default()),
        }),
        Err(OpenError::Setting { key, what }) => Err(Failure::config(format_args!(
            "wrong setting embedded.{key}: {what}"
        ))),
        Err(error) => Err(Failure::other(error)),
    }
}
