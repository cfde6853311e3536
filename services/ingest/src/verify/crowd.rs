//! How many frames wait in a stage, so that none is held for a stranger's sake while many wait behind it.

use std::sync::Arc;

use tokio::sync::watch;

/// From so many frames on nothing is waited for: about what comes in a second at the network's usual rate.
pub(super) const LARGE: usize = 1_024;

/// The count.
#[derive(Debug, Clone, Default)]
pub(super) struct Gate(Arc<watch::Sender<usize>>);

impl Gate {
    /// Some frames have come.
    pub(super) fn enter(&self, frames: usize) -> Inside {
        self.0.send_modify(|inside| *inside += frames);
        Inside {
            gate: self.clone(),
            frames,
        }
    }

    /// What those inside see.
    pub(super) fn crowd(&self) -> Crowd {
        Crowd(self.0.subscribe())
    }
}

/// Frames inside, until it is dropped.
#[derive(Debug)]
pub(super) struct Inside {
    gate: Gate,
    frames: usize,
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.gate.0.send_modify(|inside| *inside -= self.frames);
    }
}

/// How many are inside.
#[derive(Debug, Clone)]
pub(super) struct Crowd(watch::Receiver<usize>);

impl Crowd {
    /// Waits until there are many.
    pub(super) async fn is_large(&mut self) {
        if self.0.wait_for(|inside| *inside >= LARGE).await.is_err() {
            // The stage is gone, and with it the one who asks.
            std::future::pending::<()>().await;
        }
    }
}
