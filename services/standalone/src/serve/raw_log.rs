//! The raw log and the log of labels beside the log of events: in folders below its folder, or in streams beside its stream.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{LogError, OpenRawLog, RawLog};
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog, FolderBookmarks};
use fanjet_log_nats::raw_log as in_nats;
use fanjet_runtime::{Clock, SystemClock};

use super::ServeSettings;
use super::settings::LogKind;

/// The folders in that of the log of events.
const RAW: &str = "raw";
const LABELS: &str = "labels";

/// The raw log, if it is wanted.
pub(crate) fn raw_log(settings: &ServeSettings) -> Option<RawLog> {
    if !settings.raw.enabled {
        return None;
    }
    Some(match settings.log.kind {
        LogKind::Nats => in_nats(settings.nats.of_frames(&settings.raw), || {
            SystemClock.now_us()
        }),
        LogKind::Embedded => {
            let raw = &settings.raw;
            in_folder(beside(settings, RAW, raw.max_age, raw.max_bytes))
        }
    })
}

/// The log of labels, if it is wanted.
pub(crate) fn labels_log(settings: &ServeSettings) -> Option<RawLog> {
    let labels = &settings.labels;
    if !labels.is_wanted() {
        return None;
    }
    Some(match settings.log.kind {
        LogKind::Nats => in_nats(settings.nats.of_labels(labels), || SystemClock.now_us()),
        LogKind::Embedded => in_folder(beside(settings, LABELS, labels.max_age, labels.max_bytes)),
    })
}

fn beside(
    settings: &ServeSettings,
    folder: &str,
    max_age: Duration,
    max_bytes: u64,
) -> EmbeddedConfig {
    let events = settings.embedded.clone();
    EmbeddedConfig {
        path: events.path.join(folder),
        max_age,
        max_bytes,
        ..events
    }
}

fn in_folder(config: EmbeddedConfig) -> RawLog {
    RawLog::new(move || {
        let opening = EmbeddedLog::open(config.clone(), Arc::new(SystemClock));
        Box::pin(async move {
            let log = opening.await.map_err(LogError::unavailable)?;
            Ok(OpenRawLog {
                bookmarks: Arc::new(FolderBookmarks::of(&log)),
                log: Arc::new(log),
            })
        })
    })
}
