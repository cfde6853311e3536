//! The state behind readiness, updated by the tasks that know it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fanjet_cluster::MemberStatus;
use fanjet_log::Seq;
use fanjet_telemetry::HealthReport;
use parking_lot::Mutex;

use crate::labels::Role;

/// Shared by the tasks of one ingest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    role: Mutex<Role>,
    is_upstream_connected: AtomicBool,
    /// Why the log is unreadable; `None` when it is readable.
    log_away: Mutex<Option<String>>,
    /// Why the log refused an append; `None` once it has acknowledged something again.
    not_writable: Mutex<Option<String>>,
    log_lost: Mutex<Option<LogLost>>,
    /// The log that acknowledged events, and how many, as far as this process knows.
    acknowledged: Mutex<Option<(String, Seq)>>,
    is_draining: AtomicBool,
}

/// What the log acknowledged and lost.
#[derive(Debug, Clone, Copy)]
struct LogLost {
    acked: Seq,
    end: Seq,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            role: Mutex::new(Role::Standby),
            is_upstream_connected: AtomicBool::new(false),
            log_away: Mutex::new(Some("not reached yet".to_owned())),
            not_writable: Mutex::new(None),
            log_lost: Mutex::new(None),
            acknowledged: Mutex::new(None),
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

    /// The log is readable.
    pub(crate) fn set_log_reachable(&self) {
        *self.0.log_away.lock() = None;
    }

    /// The log is unreadable.
    pub(crate) fn set_log_away(&self, why: impl ToString) {
        *self.0.log_away.lock() = Some(why.to_string());
    }

    /// The log refused the last append. Being readable, or queueing a submission, does not change that.
    pub(crate) fn set_log_not_writable(&self, why: impl ToString) {
        *self.0.not_writable.lock() = Some(why.to_string());
    }

    /// Nothing is waiting to be written: whether writes would succeed is unknown.
    pub(crate) fn forget_not_writable(&self) {
        *self.0.not_writable.lock() = None;
    }

    /// The log ends at `end`, although it acknowledged everything up to `acked`. Returns whether this is news.
    pub(crate) fn set_log_lost(&self, acked: Seq, end: Seq) -> bool {
        let mut lost = self.0.log_lost.lock();
        let is_news = lost.is_none_or(|known| known.acked < acked);
        if is_news {
            *lost = Some(LogLost { acked, end });
        }
        is_news
    }

    /// The log acknowledged everything up to a seq: it accepts writes, and lost events may have been restored.
    pub(crate) fn set_log_stands_at(&self, log: &str, acked: Seq) {
        self.set_log_reachable();
        self.forget_not_writable();
        self.0.log_lost.lock().take_if(|lost| lost.acked <= acked);
        let mut acknowledged = self.0.acknowledged.lock();
        match &mut *acknowledged {
            Some((known, seq)) if known == log => *seq = acked,
            other => *other = Some((log.to_owned(), acked)),
        }
    }

    /// The last seq that the log acknowledged, as far as this process knows; 0 if unknown.
    pub(crate) fn acknowledged_by(&self, log: &str) -> Seq {
        let acknowledged = self.0.acknowledged.lock();
        let of_it = acknowledged.as_ref().filter(|(known, _)| known == log);
        of_it.map_or(0, |(_, seq)| *seq)
    }

    pub(crate) fn set_draining(&self) {
        self.0.is_draining.store(true, Ordering::Relaxed);
    }

    /// The status that is published to the cluster.
    pub(crate) fn standing(&self) -> MemberStatus {
        let role = *self.0.role.lock();
        MemberStatus {
            role: role.label().to_owned(),
            ready: self.report().ready,
        }
    }

    /// A leader is ready when the upstream and the log are available, a standby when it could take over. Traffic does
    /// not matter: a quiet upstream is normal.
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
            ("log", self.log()),
            ("process", verdict(!is(&self.0.is_draining), "draining")),
        ])
        .with("role", role.label())
    }

    /// Whether the log can be used; otherwise why not.
    pub(crate) fn log(&self) -> Result<(), String> {
        if let Some(why) = &*self.0.not_writable.lock() {
            return Err(format!("not writable: {why}"));
        }
        if let Some(why) = &*self.0.log_away.lock() {
            return Err(why.clone());
        }
        match *self.0.log_lost.lock() {
            None => Ok(()),
            Some(LogLost { acked, end }) => Err(format!(
                "it lost events: it ended at seq {end}, although it acknowledged {acked}, and has not reached that seq again"
            )),
        }
    }
}
