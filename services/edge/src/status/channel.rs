//! The channel of status snapshots, with a limit on live viewers.

use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use futures::stream::unfold;
use tokio::sync::watch;

use crate::limits::{Budget, Claim, Holder};

/// The newest snapshot, for all workers.
#[derive(Debug)]
pub(crate) struct StatusChannel {
    snapshots: watch::Sender<StatusSnapshot>,
    viewers: Arc<Budget>,
}

/// One snapshot in two forms.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatusSnapshot {
    /// `/status`.
    pub(crate) json: Bytes,
    /// The same as a server-sent event.
    pub(crate) sse: Bytes,
}

impl StatusChannel {
    /// Allows this many live viewers, half of them from one holder.
    pub(crate) fn new(max_viewers: usize) -> Self {
        let of_one = max_viewers.div_ceil(2);
        Self {
            snapshots: watch::Sender::default(),
            viewers: Arc::new(Budget::new(max_viewers, of_one)),
        }
    }

    /// Publishes a snapshot, which is JSON without line breaks.
    pub(crate) fn publish(&self, json: Vec<u8>) {
        let sse = [b"data: ", json.as_slice(), b"\n\n"].concat();
        self.snapshots.send_replace(StatusSnapshot {
            json: json.into(),
            sse: sse.into(),
        });
    }

    /// The newest snapshot.
    pub(crate) fn newest(&self) -> StatusSnapshot {
        self.snapshots.borrow().clone()
    }

    /// A slot for a live viewer, if one is free for this holder.
    pub(crate) fn viewer(&self, holder: Holder) -> Option<Claim> {
        let mut place = self.viewers.claim(holder);
        place.resize(1).then_some(place)
    }

    /// The newest snapshot, then each new one. Slow viewers miss some.
    pub(crate) fn live(&self) -> impl Stream<Item = Bytes> + 'static {
        let mut snapshots = self.snapshots.subscribe();
        snapshots.mark_changed();
        unfold(snapshots, |mut snapshots| async {
            snapshots.changed().await.ok()?;
            let sse = snapshots.borrow_and_update().sse.clone();
            Some((sse, snapshots))
        })
    }
}
