//! Decoding on the blocking pool: batches in, drafts out, in the order in which the batches came.

use bytes::Bytes;
use fanjet_log::UpstreamId;
use futures::{Stream, StreamExt};
use tracing::error;

use crate::gate::{Drafts, DropReason};

/// What the upstream sent, as it came.
#[derive(Debug)]
pub(crate) struct FrameBatch {
    /// Who numbered the frames.
    pub(crate) upstream: UpstreamId,
    /// The frames in order.
    pub(crate) frames: Vec<Bytes>,
}

/// Decodes up to `workers` batches at the same time.
pub(crate) fn decode_in_order(
    batches: impl Stream<Item = FrameBatch>,
    workers: usize,
) -> impl Stream<Item = Drafts> {
    batches.map(decode).buffered(workers)
}

async fn decode(batch: FrameBatch) -> Drafts {
    let FrameBatch { upstream, frames } = batch;
    let all = (upstream.clone(), frames.clone());
    match tokio::task::spawn_blocking(move || admit_all(&all.1, &all.0)).await {
        Ok(drafts) => drafts,
        Err(_panicked) => decode_one_by_one(&upstream, frames).await,
    }
}

/// A decoder that crashed on a stranger's bytes must cost no more than the frame it crashed on.
async fn decode_one_by_one(upstream: &UpstreamId, frames: Vec<Bytes>) -> Drafts {
    let mut drafts = Drafts::default();
    for frame in frames {
        let (upstream, alone) = (upstream.clone(), frame.clone());
        match tokio::task::spawn_blocking(move || {
            admit_all(std::slice::from_ref(&alone), &upstream)
        })
        .await
        {
            Ok(admitted) => drafts.append(admitted),
            Err(_panicked) => {
                error!(
                    bytes = frame.len(),
                    "the decoder crashed on a frame; it is dropped"
                );
                drafts.drops.add(DropReason::DecoderPanic);
            }
        }
    }
    drafts
}

fn admit_all(frames: &[Bytes], upstream: &UpstreamId) -> Drafts {
    let mut drafts = Drafts::default();
    // A frame's JSON is a fraction of its bytes: most of them are tree nodes.
    drafts
        .text
        .reserve(frames.iter().map(Bytes::len).sum::<usize>() / 4);
    drafts.events.reserve(frames.len());
    for frame in frames {
        drafts.admit(frame, upstream);
    }
    drafts
}

impl Drafts {
    /// Adds what a later batch made.
    fn append(&mut self, later: Self) {
        let shift = self.text.len();
        self.text.extend_from_slice(&later.text);
        self.events
            .extend(later.events.into_iter().map(|mut draft| {
                draft.span = draft.span.start + shift..draft.span.end + shift;
                draft
            }));
        for (reason, count) in later.drops.iter() {
            (0..count).for_each(|_| self.drops.add(reason));
        }
        self.notices.extend(later.notices);
    }
}
