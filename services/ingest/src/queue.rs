//! What was read but not decoded yet, bounded by batches and bytes.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};

use crate::batch::{FrameBatch, Share};

/// The unit of counting: fine enough for a small frame, and coarse enough for a semaphore.
const UNIT: usize = 1 << 10;

/// A queue with a maximum number of batches and bytes. A batch's bytes count until it is dropped, wherever it is by
/// then.
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

/// The sending end, for the upstream reader.
#[derive(Debug, Clone)]
pub(crate) struct BatchSender {
    sender: mpsc::Sender<FrameBatch>,
    room: Arc<Semaphore>,
    units: u32,
}

/// The receiving end is gone.
#[derive(Debug)]
pub(crate) struct Closed;

impl BatchSender {
    /// Waits for room. A batch larger than the whole queue waits until the queue is empty.
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

    /// Whether the receiving end is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

#[cfg(test)]
mod tests;
