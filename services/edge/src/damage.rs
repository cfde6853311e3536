//! Damaged seqs of the log. Damage affects only the clients that read it.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanjet_log::{LogError, Seq};
use parking_lot::Mutex;
use tracing::error;

use crate::metrics::{DamageSource, Metrics};

/// Number of damaged seqs remembered as reported. Beyond it, all of them are reported again.
const MAX_REPORTED: usize = 1024;

/// A damaged seq: the log before it is intact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// The first event that cannot be read.
    pub seq: Seq,
}

/// Reports damage to the operator: each read in a metric, each seq once in the logs. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct DamageReports {
    reported: Arc<Mutex<BTreeSet<Seq>>>,
    metrics: Metrics,
}

impl Damage {
    /// The damage that caused a failure, if any.
    pub(crate) fn of(failure: &LogError) -> Option<Self> {
        match failure {
            LogError::Corrupt { seq, .. } => Some(Self { seq: *seq }),
            _ => None,
        }
    }
}

impl DamageReports {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self {
            reported: Arc::default(),
            metrics,
        }
    }

    /// Number of seqs that were reported.
    #[cfg(test)]
    fn reported(&self) -> usize {
        self.reported.lock().len()
    }

    /// Reports a failure if it is damage. Clients do not see where the log stores it.
    pub(crate) fn report(&self, by: DamageSource, failure: &LogError) -> Option<Damage> {
        let damage = Damage::of(failure)?;
        self.metrics.damaged_read(by);
        let is_new = {
            let mut reported = self.reported.lock();
            if reported.len() >= MAX_REPORTED {
                reported.clear();
            }
            reported.insert(damage.seq)
        };
        if is_new {
            error!(seq = damage.seq, error = %failure, "the log is damaged, closing clients that read this seq");
        }
        Some(damage)
    }
}

#[cfg(test)]
mod tests;
