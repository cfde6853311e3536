//! How a node ends: it says so, then sends its subscribers away, and stops reading the log only when nobody is left.

use std::convert::Infallible;
use std::time::Duration;

use fanjet_runtime::Stop;

/// The phases of the end. Each is entered once, and never left.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    /// The node was asked to end and is not ready any more. Who has not heard of it is still let in.
    pub(crate) asked: Stop,
    /// Nobody is let in any more, and those who are there are sent away.
    pub(crate) draining: Stop,
    /// Everybody has left: what served them may end.
    pub(crate) over: Stop,
}

impl Ending {
    pub(crate) fn new(asked: Stop) -> Self {
        Self {
            asked,
            draining: Stop::new(),
            over: Stop::new(),
        }
    }

    /// Leads from the first phase to the second after `grace`. A node that cannot go on enters the second by itself,
    /// and whoever watches the first learns of it.
    pub(crate) async fn run(self, grace: Duration) -> Result<(), Infallible> {
        let asked = async {
            self.asked.cancelled().await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            () = asked => self.draining.cancel(),
            () = self.draining.cancelled() => self.asked.cancel(),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
