//! The raw log on NATS, which is opened when it is needed first.

use std::sync::Arc;

use fanjet_log::{OpenRawLog, RawLog, first_seq};

use crate::bookmarks::NatsBookmarks;
use crate::config::NatsConfig;
use crate::log::NatsLog;

/// The raw log in the stream of `config`, which is [of frames](NatsConfig::of_frames). A new stream starts at the
/// [`first_seq`] for the Unix microseconds that `now_us` returns.
pub fn raw_log(config: NatsConfig, now_us: impl Fn() -> u64 + Send + Sync + 'static) -> RawLog {
    RawLog::new(move || {
        let (config, first) = (config.clone(), first_seq(now_us()));
        Box::pin(async move {
            let log = Box::pin(NatsLog::open(config, first)).await?;
            let bookmarks = NatsBookmarks::of(&log).await?;
            Ok(OpenRawLog {
                log: Arc::new(log),
                bookmarks: Arc::new(bookmarks),
            })
        })
    })
}
