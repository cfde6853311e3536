//! What readiness needs to know, kept by the tasks that know it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fanjet_telemetry::HealthReport;

/// Shared by the tasks of one ingest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    is_upstream_connected: AtomicBool,
    is_log_reachable: AtomicBool,
    is_draining: AtomicBool,
}

impl Status {
    pub(crate) fn set_upstream_connected(&self, is_connected: bool) {
        self.0
            .is_upstream_connected
            .store(is_connected, Ordering::Relaxed);
    }

    pub(crate) fn set_log_reachable(&self, is_reachable: bool) {
        self.0
            .is_log_reachable
            .store(is_reachable, Ordering::Relaxed);
    }

    pub(crate) fn set_draining(&self) {
        self.0.is_draining.store(true, Ordering::Relaxed);
    }

    /// Ready when the upstream and the log are there. Traffic does not matter: a quiet upstream is normal.
    pub(crate) fn report(&self) -> HealthReport {
        let verdict = |is_good: &AtomicBool, why: &str| {
            if is_good.load(Ordering::Relaxed) {
                Ok(())
            } else {
                Err(why.to_owned())
            }
        };
        let draining = if self.0.is_draining.load(Ordering::Relaxed) {
            Err("draining".to_owned())
        } else {
            Ok(())
        };
        HealthReport::of([
            (
                "upstream",
                verdict(&self.0.is_upstream_connected, "not connected"),
            ),
            ("log", verdict(&self.0.is_log_reachable, "not reachable")),
            ("process", draining),
        ])
    }
}
