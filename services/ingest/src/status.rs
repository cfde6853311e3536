//! What readiness needs to know, kept by the tasks that know it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fanjet_cluster::announcer::Standing;
use fanjet_telemetry::HealthReport;
use parking_lot::Mutex;

use crate::lead::Role;

/// Shared by the tasks of one ingest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    role: Mutex<Role>,
    is_upstream_connected: AtomicBool,
    is_log_reachable: AtomicBool,
    is_draining: AtomicBool,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            role: Mutex::new(Role::Standby),
            is_upstream_connected: AtomicBool::new(false),
            is_log_reachable: AtomicBool::new(false),
            is_draining: AtomicBool::new(false),
        }
    }
}

impl Status {
    pub(crate) fn set_role(&self, role: Role) {
        *self.0.role.lock() = role;
    }

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

    /// What the cluster is told.
    pub(crate) fn standing(&self) -> Standing {
        let role = *self.0.role.lock();
        Standing {
            role: role.label().to_owned(),
            ready: self.report().ready,
        }
    }

    /// A leader is ready when the upstream and the log are there, a standby when it could take over. Traffic does not
    /// matter: a quiet upstream is normal.
    pub(crate) fn report(&self) -> HealthReport {
        let role = *self.0.role.lock();
        let verdict = |is_good: bool, why: &str| is_good.then_some(()).ok_or(why.to_owned());
        let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let needs_upstream = role == Role::Leader;
        HealthReport::of([
            (
                "upstream",
                verdict(
                    !needs_upstream || is(&self.0.is_upstream_connected),
                    "not connected",
                ),
            ),
            (
                "log",
                verdict(is(&self.0.is_log_reachable), "not reachable"),
            ),
            ("process", verdict(!is(&self.0.is_draining), "draining")),
        ])
        .with("role", role.label())
    }
}
