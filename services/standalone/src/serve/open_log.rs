//! Opens the configured log, and decides who may write it: this process alone, or the holder of a lease.

use std::sync::Arc;

use fanjet_ingest::{Candidacy, show_subjects};
use fanjet_log::memory::MemoryClusterState;
use fanjet_log::{Bookmarks, ClusterState, EventLog};
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog, FolderBookmarks, OpenError};
use fanjet_log_nats::{NatsBookmarks, NatsClusterState, NatsLog};
use fanjet_runtime::{Clock, SystemClock};
use fanjet_service::{Failure, Process};
use fanjet_telemetry::{Health, HealthReport};

use super::ServeSettings;
use super::settings::LogKind;

/// A log, this process as its writer, and the state that processes share beside the log.
pub(crate) struct Opened {
    pub(crate) logs: Logs,
    pub(crate) candidacy: Candidacy,
    pub(crate) notices: Arc<dyn ClusterState>,
    pub(crate) bookmarks: Arc<dyn Bookmarks>,
    /// The health of the log itself, as far as its backend knows it.
    pub(crate) health: Health,
    /// The log itself if it is a folder of this process.
    pub(crate) embedded: Option<EmbeddedLog>,
}

/// One handle of the log for each service, because each must notice by itself that the log was replaced.
pub(crate) struct Logs {
    pub(crate) ingest: Arc<dyn EventLog>,
    pub(crate) edge: Arc<dyn EventLog>,
    pub(crate) kafka: Arc<dyn EventLog>,
}

/// `None` if the process is stopped first.
pub(crate) async fn open_log(
    settings: &ServeSettings,
    process: &Process,
) -> Option<Result<Opened, Failure>> {
    match settings.log.kind {
        LogKind::Embedded => {
            let opening = open_embedded(settings.embedded.clone(), process.instance().to_owned());
            process.unless_stopped(opening).await
        }
        LogKind::Nats => {
            let opening = open_nats(settings, process);
            process.unless_stopped(opening).await
        }
    }
}

/// The folder is locked, so no other writer exists.
async fn open_embedded(config: EmbeddedConfig, instance: String) -> Result<Opened, Failure> {
    match EmbeddedLog::open(config, Arc::new(SystemClock)).await {
        Ok(log) => Ok(Opened {
            health: health_of(&log),
            embedded: Some(log.clone()),
            bookmarks: Arc::new(FolderBookmarks::of(&log)),
            logs: Logs {
                ingest: Arc::new(log.clone()),
                edge: Arc::new(log.clone()),
                kafka: Arc::new(log),
            },
            candidacy: Candidacy::alone(&instance)?,
            notices: Arc::new(MemoryClusterState::default()),
        }),
        Err(error @ OpenError::Setting { .. }) => Err(Failure::config(error)),
        Err(error) => Err(Failure::other(error)),
    }
}

/// Reports a folder that cannot be written or whose expired segments cannot be removed, even while no event arrives.
fn health_of(log: &EmbeddedLog) -> Health {
    let troubles = log.troubles();
    Health::new(move || HealthReport::of([("log", troubles.now().map_or(Ok(()), Err))]))
}

async fn open_nats(settings: &ServeSettings, process: &Process) -> Result<Opened, Failure> {
    let instance = process.instance();
    let now_us = || SystemClock.now_us();
    let log = NatsLog::connect_patiently(settings.nats.clone(), now_us).await?;
    show_subjects(&process.meter("fanjet-ingest"), log.spread());
    let candidacy = if settings.ingest.lease.enabled {
        let lease = log.lease().await?;
        Candidacy::shared(Arc::new(lease), instance, &settings.ingest.lease)?
    } else {
        Candidacy::alone(instance)?
    };
    let notices = NatsClusterState::of(&log).await?;
    let bookmarks = NatsBookmarks::of(&log).await?;
    Ok(Opened {
        logs: Logs {
            ingest: Arc::new(log.another_reader()),
            edge: Arc::new(log.another_reader()),
            kafka: Arc::new(log),
        },
        candidacy,
        notices: Arc::new(notices),
        bookmarks: Arc::new(bookmarks),
        health: Health::new(|| HealthReport::of([])),
        embedded: None,
    })
}
