//! Whether a node should get clients now, for whoever asks: probes, the status page, the cluster.

use std::sync::Arc;
use std::time::Duration;

use fanjet_runtime::Stop;
use tokio::time::Instant;

use crate::readiness::{NotReady, Readiness};
use crate::tail::TailStatus;

/// Looks at the facts whenever it is asked. Cheap.
#[derive(Debug, Clone)]
pub(crate) struct ReadinessProbe {
    pub(crate) tail: Arc<TailStatus>,
    pub(crate) fresh_within: Duration,
    /// The node was asked to end.
    pub(crate) asked: Stop,
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
        self.asked.is_cancelled()
    }
}
