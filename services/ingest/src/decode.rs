//! Decoding: batches in, drafts out, in the order in which the batches came. Large ones on the blocking pool, small ones here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use fanjet_log::UpstreamId;
use futures::{Stream, StreamExt, stream};
use tokio::time::Instant;
use tracing::error;

use crate::batch::{FrameBatch, Numbering, Passage, Rewind};
use crate::filter::IngestFilter;
use crate::gate::{Admission, Drafts, DropReason};
use crate::place::Reached;

/// What became of a batch, or of a piece of it.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) numbering: Numbering,
    pub(crate) rewind: Rewind,
    pub(crate) reached: Option<Reached>,
    pub(crate) passage: Passage,
    pub(crate) drafts: Drafts,
}

/// A batch is decoded in pieces: one ends when its JSON has as many bytes as this, so it has at most those of one frame
/// more.
const PIECE_JSON: usize = 4 << 20;

/// A batch with at most so many bytes is decoded where it is: that takes less time than waking another thread for it, and this
/// one again. While frames come one by one each of them is such a batch; under load they come together.
const SMALL_BATCH: usize = 16 << 10;

/// The decoder crashed.
#[derive(Debug)]
struct Crashed;

/// Decodes up to `workers` batches at the same time. What waits to be taken is at most one piece of each.
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

/// As much of a batch as was decoded at once.
struct Piece {
    decoded: Decoded,
    rest: Option<FrameBatch>,
}

/// What comes next of a batch.
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
        Err(Crashed) => decode_one_by_one(upstream, &batch.frames, &filter).await,
    };
    let rest_follows = taken < batch.frames.len();
    let decoded = Decoded {
        numbering: batch.numbering.clone(),
        rewind: std::mem::replace(&mut batch.rewind, Rewind::None),
        // With the last piece the upstream is read so far.
        reached: batch.reached.filter(|_| !rest_follows),
        passage: Passage {
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
) -> Result<(Drafts, usize), Crashed> {
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
        // What it was making is dropped.
        return catch_unwind(AssertUnwindSafe(admit)).map_err(|_| Crashed);
    }
    let decoded = tokio::task::spawn_blocking(admit).await;
    decoded.map_err(|_panicked| Crashed)
}

/// A decoder that crashed on a stranger's bytes must cost no more than the frame it crashed on.
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
            Err(Crashed) => {
                error!(
                    bytes = frame.len(),
                    "the decoder crashed on a frame; it is dropped"
                );
                drafts.drops.add(DropReason::DecoderPanic);
            }
        }
    }
    (drafts, frames.len())
}

/// What the first frames became, and how many they were.
fn admit_some(frames: &[Bytes], admission: Admission<'_>) -> (Drafts, usize) {
    let mut drafts = Drafts::default();
    // A frame's JSON is a fraction of its bytes: most of them are tree nodes.
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
        self.filtered.append(later.filtered);
        self.seqs.join(later.seqs);
        self.notices.extend(later.notices);
    }
}

#[cfg(test)]
mod tests;
