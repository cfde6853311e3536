//! What was read and is not decoded yet: so many batches, and so many bytes.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};

use crate::batch::{FrameBatch, Share};

/// What is counted: fine enough for a small frame, and coarse enough for a semaphore.
const UNIT: usize = 1 << 10;

/// A queue of at most so many batches. A batch's bytes are counted until it is dropped, wherever it is then.
pub(crate) fn queue(batches: usize, bytes: usize) -> (BatchSender, mpsc::Receiver<FrameBatch>) {
    let (sender, receiver) = mpsc::channel(batches);
    let units = bytes.div_ceil(UNIT).clamp(1, Semaphore::MAX_PERMITS >> 1);
    let units = u32::try_from(units).unwrap_or(u32::MAX);
    let sender = BatchSender {
        sender,
        room: Arc::new(Semaphore::new(units as usize)),
        units,
    };
    (sender, receiver)
}

/// The end that reads the upstream.
#[derive(Debug, Clone)]
pub(crate) struct BatchSender {
    sender: mpsc::Sender<FrameBatch>,
    room: Arc<Semaphore>,
    units: u32,
}

/// Nobody takes batches any more.
#[derive(Debug)]
pub(crate) struct Closed;

impl BatchSender {
    /// Waits for room. A batch that is larger than the whole queue waits until it is empty.
    pub(crate) async fn send(&self, mut batch: FrameBatch) -> Result<(), Closed> {
        let bytes: usize = batch.frames.iter().map(Bytes::len).sum();
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let share = tokio::select! {
            share = Arc::clone(&self.room).acquire_many_owned(units.min(self.units)) => share,
            () = self.sender.closed() => return Err(Closed),
        };
        batch.share = Share::of(share.ok());
        self.sender.send(batch).await.map_err(|_| Closed)
    }

    /// Whether nobody takes batches any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

#[cfg(test)]
mod tests;
