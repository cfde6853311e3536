//! Decoding: batches in, drafts out, in arrival order. Large batches on the blocking pool, small ones in place.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use fanjet_log::UpstreamId;
use futures::{Stream, StreamExt, stream};
use tokio::time::Instant;
use tracing::error;

use crate::batch::{BatchTimes, FrameBatch, Numbering, Rewind};
use crate::filter::IngestFilter;
use crate::read_position::Reached;
use crate::validate::{Admission, Drafts, DropReason};

/// The result of decoding a batch, or a piece of it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) numbering: Numbering,
    pub(crate) rewind: Rewind,
    pub(crate) reached: Option<Reached>,
    pub(crate) times: BatchTimes,
    pub(crate) drafts: Drafts,
}

/// A batch is decoded in pieces. A piece ends when its JSON reaches this many bytes, so it exceeds them by at most one
/// frame's JSON.
const PIECE_JSON: usize = 4 << 20;

/// A batch up to this many bytes is decoded in place, which takes less time than waking another thread and then this one
/// again. While frames arrive one by one each of them is such a batch; under load they arrive together.
const SMALL_BATCH: usize = 16 << 10;

/// The decoder panicked.
#[derive(Debug)]
struct Panicked;

/// Decodes up to `workers` batches in parallel. At most one piece of each waits for the consumer.
pub(crate) fn decode_in_order(
    batches: impl Stream<Item = FrameBatch>,
    filter: Arc<IngestFilter>,
    workers: usize,
) -> impl Stream<Item = Decoded> {
    let first_pieces = {
        let filter = Arc::clone(&filter);
        batches
            .map(move |batch| decode(batch, Arc::clone(&filter)))
            .buffered(workers)
    };
    first_pieces.flat_map(move |first| {
        let filter = Arc::clone(&filter);
        stream::unfold(Ahead::Piece(Box::new(first)), move |ahead| {
            let filter = Arc::clone(&filter);
            async move {
                let Piece { decoded, rest } = match ahead {
                    Ahead::Piece(piece) => *piece,
                    Ahead::Rest(batch) => decode(*batch, filter).await,
                    Ahead::Nothing => return None,
                };
                let ahead = rest.map_or(Ahead::Nothing, |rest| Ahead::Rest(Box::new(rest)));
                Some((decoded, ahead))
            }
        })
    })
}

/// A piece of a batch, decoded in one go.
struct Piece {
    decoded: Decoded,
    rest: Option<FrameBatch>,
}

/// The next step for a batch.
enum Ahead {
    Piece(Box<Piece>),
    Rest(Box<FrameBatch>),
    Nothing,
}

async fn decode(mut batch: FrameBatch, filter: Arc<IngestFilter>) -> Piece {
    let decoding = Instant::now();
    let upstream = &batch.numbering.upstream;
    let (drafts, taken) = match decode_some(upstream, batch.frames.clone(), &filter).await {
        Ok(drafts) => drafts,
        Err(Panicked) => decode_one_by_one(upstream, &batch.frames, &filter).await,
    };
    let rest_follows = taken < batch.frames.len();
    let decoded = Decoded {
        numbering: batch.numbering.clone(),
        rewind: std::mem::replace(&mut batch.rewind, Rewind::None),
        // The upstream position advances with the last piece.
        reached: batch.reached.filter(|_| !rest_follows),
        times: BatchTimes {
            arrived: batch.arrived,
            decoding,
            decoded: Instant::now(),
        },
        drafts,
    };
    batch.frames.drain(..taken);
    let rest = Some(batch).filter(|batch| !batch.frames.is_empty());
    Piece { decoded, rest }
}

async fn decode_some(
    upstream: &UpstreamId,
    frames: Vec<Bytes>,
    filter: &Arc<IngestFilter>,
) -> Result<(Drafts, usize), Panicked> {
    let (upstream, filter) = (upstream.clone(), Arc::clone(filter));
    let is_small = frames.iter().map(Bytes::len).sum::<usize>() <= SMALL_BATCH;
    let admit = move || {
        let admission = Admission {
            upstream: &upstream,
            filter: &filter,
        };
        admit_some(&frames, admission)
    };
    if is_small {
        // The partial result is dropped.
        return catch_unwind(AssertUnwindSafe(admit)).map_err(|_| Panicked);
    }
    let decoded = tokio::task::spawn_blocking(admit).await;
    decoded.map_err(|_panicked| Panicked)
}

/// A decoder that panics on untrusted bytes must cost no more than the frame that caused it.
async fn decode_one_by_one(
    upstream: &UpstreamId,
    frames: &[Bytes],
    filter: &Arc<IngestFilter>,
) -> (Drafts, usize) {
    let mut drafts = Drafts::default();
    for (index, frame) in frames.iter().enumerate() {
        if drafts.text.len() >= PIECE_JSON {
            return (drafts, index);
        }
        match decode_some(upstream, vec![frame.clone()], filter).await {
            Ok((admitted, _)) => drafts.append(admitted),
            Err(Panicked) => {
                error!(
                    bytes = frame.len(),
                    "the decoder panicked, dropping the frame"
                );
                drafts.drops.add(DropReason::DecoderPanic);
            }
        }
    }
    (drafts, frames.len())
}

/// The drafts of the first frames, and the number of those frames.
fn admit_some(frames: &[Bytes], admission: Admission<'_>) -> (Drafts, usize) {
    let mut drafts = Drafts::default();
    // A frame's JSON is a fraction of its bytes, most of which are tree nodes.
    drafts
        .text
        .reserve(frames.iter().map(Bytes::len).sum::<usize>() / 4);
    drafts.events.reserve(frames.len());
    for (index, frame) in frames.iter().enumerate() {
        if drafts.text.len() >= PIECE_JSON {
            return (drafts, index);
        }
        drafts.admit(frame, admission);
    }
    (drafts, frames.len())
}

impl Drafts {
    /// Appends the drafts of a later batch.
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
        self.filtered.append(later.filtered);
        self.seqs.join(later.seqs);
        self.notices.extend(later.notices);
    }
}

#[cfg(test)]
mod tests;
