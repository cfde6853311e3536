//! Places of the log that cannot be read. They cost those who read them, and nobody else.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanjet_log::{LogError, Seq};
use parking_lot::Mutex;
use tracing::error;

use crate::metrics::{MetBy, Metrics};

/// So many places are remembered as told; with more of them the log is beyond counting, and they are told again.
const MAX_TOLD: usize = 1024;

/// Where the log is damaged: what is before it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// The first event that cannot be read.
    pub seq: Seq,
}

/// Tells the operator of damage: each time in a metric, each place once in words. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Damages {
    told: Arc<Mutex<BTreeSet<Seq>>>,
    metrics: Metrics,
}

impl Damage {
    /// The damage that a failure is about, if it is about one.
    pub(crate) fn of(failure: &LogError) -> Option<Self> {
        match failure {
            LogError::Corrupt { seq, .. } => Some(Self { seq: *seq }),
            _ => None,
        }
    }
}

impl Damages {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self {
            told: Arc::default(),
            metrics,
        }
    }

    /// How many places are remembered.
    #[cfg(test)]
    fn told(&self) -> usize {
        self.told.lock().len()
    }

    /// Notes a failure if it is damage. Only the operator hears where the log keeps it.
    pub(crate) fn met(&self, by: MetBy, failure: &LogError) -> Option<Damage> {
        let damage = Damage::of(failure)?;
        self.metrics.met_damage(by);
        let is_new = {
            let mut told = self.told.lock();
            if told.len() >= MAX_TOLD {
                told.clear();
            }
            told.insert(damage.seq)
        };
        if is_new {
            error!(seq = damage.seq, error = %failure, "the log is damaged, closing those who read this place");
        }
        Some(damage)
    }
}

#[cfg(test)]
mod tests;
