//! Where the newest snapshot hangs, and how many may stand before it.

use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;
use futures::stream::unfold;
use tokio::sync::watch;

use crate::limits::{Budget, Claim, Holder};

/// The newest snapshot, for all workers.
#[derive(Debug)]
pub(crate) struct Board {
    shown: watch::Sender<Shown>,
    viewers: Arc<Budget>,
}

/// One snapshot in both forms.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    /// `/status`.
    pub(crate) json: Bytes,
    /// The same as one server-sent event.
    pub(crate) sse: Bytes,
}

impl Board {
    /// At most so many look at it live at one time, half of them from one holder.
    pub(crate) fn new(max_viewers: usize) -> Self {
        let of_one = max_viewers.div_ceil(2);
        Self {
            shown: watch::Sender::default(),
            viewers: Arc::new(Budget::new(max_viewers, of_one)),
        }
    }

    /// Hangs a new one, which is JSON without line breaks.
    pub(crate) fn show(&self, json: Vec<u8>) {
        let sse = [b"data: ", json.as_slice(), b"\n\n"].concat();
        self.shown.send_replace(Shown {
            json: json.into(),
            sse: sse.into(),
        });
    }

    /// The newest.
    pub(crate) fn shown(&self) -> Shown {
        self.shown.borrow().clone()
    }

    /// A place to look at it live, if one is free for this holder.
    pub(crate) fn viewer(&self, holder: Holder) -> Option<Claim> {
        let mut place = self.viewers.claim(holder);
        place.resize(1).then_some(place)
    }

    /// The newest, then each new one. Who is slow misses some.
    pub(crate) fn live(&self) -> impl Stream<Item = Bytes> + 'static {
        let mut shown = self.shown.subscribe();
        shown.mark_changed();
        unfold(shown, |mut shown| async {
            shown.changed().await.ok()?;
            let sse = shown.borrow_and_update().sse.clone();
            Some((sse, shown))
        })
    }
}
