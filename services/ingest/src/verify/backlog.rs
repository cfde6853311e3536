//! How many frames wait in a stage, so that none waits for an unknown account's key while many wait behind it.

use std::sync::Arc;

use tokio::sync::watch;

/// Above this many frames, the stage stops waiting: about one second of the network at its usual rate.
pub(super) const LARGE: usize = 1_024;

/// The counter.
#[derive(Debug, Clone, Default)]
pub(super) struct FrameCount(Arc<watch::Sender<usize>>);

impl FrameCount {
    /// Adds arriving frames.
    pub(super) fn enter(&self, frames: usize) -> CountedFrames {
        self.0.send_modify(|inside| *inside += frames);
        CountedFrames {
            frame_count: self.clone(),
            frames,
        }
    }

    /// The view of those inside.
    pub(super) fn backlog(&self) -> Backlog {
        Backlog(self.0.subscribe())
    }
}

/// Frames inside the stage, until this is dropped.
#[derive(Debug)]
pub(super) struct CountedFrames {
    frame_count: FrameCount,
    frames: usize,
}

impl Drop for CountedFrames {
    fn drop(&mut self) {
        self.frame_count
            .0
            .send_modify(|inside| *inside -= self.frames);
    }
}

/// How many frames are inside.
#[derive(Debug, Clone)]
pub(super) struct Backlog(watch::Receiver<usize>);

impl Backlog {
    /// Waits until there are many.
    pub(super) async fn is_large(&mut self) {
        if self.0.wait_for(|inside| *inside >= LARGE).await.is_err() {
            // The stage is gone, and so is its user.
            std::future::pending::<()>().await;
        }
    }
}
