//! A separate log per test.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog};
use fanjet_runtime::Clock;

/// A clock that stands still until the test advances it.
#[derive(Debug, Default)]
pub(crate) struct TestClock(AtomicU64, AtomicU64);

impl TestClock {
    pub(crate) fn set(&self, now_us: u64) {
        self.0.store(now_us, Ordering::SeqCst);
    }

    /// Time passes that the wall clock does not show.
    pub(crate) fn pass(&self, time: Duration) {
        self.1.fetch_add(time.as_micros() as u64, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_us(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn instant(&self) -> Instant {
        static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
        *BEGIN + Duration::from_micros(self.now_us() + self.1.load(Ordering::SeqCst))
    }
}

/// Settings of a small log, so that a few thousand events have several segments.
pub(crate) fn config(path: &Path) -> EmbeddedConfig {
    EmbeddedConfig {
        segment_bytes: 300_000,
        tail_bytes: 200_000,
        cache_bytes: 400_000,
        heartbeat: Duration::from_millis(50),
        ..EmbeddedConfig::in_folder(path)
    }
}

pub(crate) async fn open(config: EmbeddedConfig) -> EmbeddedLog {
    EmbeddedLog::open(config, Arc::new(TestClock::default()))
        .await
        .unwrap()
}

/// Waits for a fact.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "never came true: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
