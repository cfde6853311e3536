//! The readiness of the node, for health probes, the status page and the cluster.

use std::sync::Arc;
use std::time::Duration;

use fanjet_runtime::Stop;
use tokio::time::Instant;

use crate::readiness::{NotReady, Readiness};
use crate::tail::TailStatus;

/// Evaluates the facts on each call. Cheap.
#[derive(Debug, Clone)]
pub(crate) struct ReadinessProbe {
    pub(crate) tail: Arc<TailStatus>,
    pub(crate) fresh_within: Duration,
    /// Triggered when the node was asked to stop.
    pub(crate) shutdown_requested: Stop,
}

impl ReadinessProbe {
    pub(crate) fn ask(&self) -> Readiness {
        let draining = self.is_draining().then_some(NotReady::Draining);
        let objection = self.tail.objection(Instant::now(), self.fresh_within);
        Readiness {
            reasons: objection.into_iter().chain(draining).collect(),
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.shutdown_requested.is_cancelled()
    }
}
