//! The phases of shutting down: the node reports not ready, then closes its subscribers, and stops reading the log when all
//! have left.

use std::convert::Infallible;
use std::time::Duration;

use fanjet_runtime::Stop;

/// The shutdown phases. Each is entered once and never left.
#[derive(Debug, Clone)]
pub(crate) struct Shutdown {
    /// Shutdown was requested and the node is not ready. Clients that have not noticed are still accepted.
    pub(crate) requested: Stop,
    /// New clients are refused and the existing ones are closed.
    pub(crate) draining: Stop,
    /// All clients have left: the tasks that serve them may end.
    pub(crate) finished: Stop,
}

impl Shutdown {
    pub(crate) fn new(requested: Stop) -> Self {
        Self {
            requested,
            draining: Stop::new(),
            finished: Stop::new(),
        }
    }

    /// Enters the second phase `grace` after the first. A node that failed enters the second phase directly and then triggers
    /// the first one for its watchers.
    pub(crate) async fn run(self, grace: Duration) -> Result<(), Infallible> {
        let requested = async {
            self.requested.cancelled().await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            () = requested => self.draining.cancel(),
            () = self.draining.cancelled() => self.requested.cancel(),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
