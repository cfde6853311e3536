//! The raw log beside the log of events: in a folder below its folder, or in a stream beside its stream.

use std::sync::Arc;

use fanjet_log::{LogError, OpenRawLog, RawLog};
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog, FolderBookmarks};
use fanjet_log_nats::raw_log as in_nats;
use fanjet_runtime::{Clock, SystemClock};

use super::ServeSettings;
use super::settings::LogKind;

/// The folder of the raw log in that of the log of events.
const FOLDER: &str = "raw";

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
            let events = settings.embedded.clone();
            in_folder(EmbeddedConfig {
                path: events.path.join(FOLDER),
                max_age: settings.raw.max_age,
                max_bytes: settings.raw.max_bytes,
                ..events
            })
        }
    })
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
