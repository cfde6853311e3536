//! Decoding on the blocking pool: batches in, drafts out, in the order in which the batches came.

use std::sync::Arc;

use bytes::Bytes;
use fanjet_log::UpstreamId;
use futures::{Stream, StreamExt};
use tokio::task::JoinError;
use tokio::time::Instant;
use tracing::error;

use crate::filter::IngestFilter;
use crate::gate::{Admission, Drafts, DropReason};

/// Who numbered frames: an upstream, and how often it has begun anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbering {
    pub(crate) upstream: UpstreamId,
    pub(crate) epoch: u32,
}

/// What the upstream sent, as it came.
#[derive(Debug)]
pub(crate) struct FrameBatch {
    /// Who numbered the frames.
    pub(crate) numbering: Numbering,
    /// Whether they are the first of a connection that began at a time the log has passed, in another numbering.
    pub(crate) is_rewound: bool,
    /// When the first of them came.
    pub(crate) arrived: Instant,
    /// The frames in order.
    pub(crate) frames: Vec<Bytes>,
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) numbering: Numbering,
    pub(crate) is_rewound: bool,
    pub(crate) passage: Passage,
    pub(crate) drafts: Drafts,
}

/// When a batch was where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passage {
    pub(crate) arrived: Instant,
    pub(crate) decoding: Instant,
    pub(crate) decoded: Instant,
}

/// Decodes up to `workers` batches at the same time.
pub(crate) fn decode_in_order(
    batches: impl Stream<Item = FrameBatch>,
    filter: Arc<IngestFilter>,
    workers: usize,
) -> impl Stream<Item = Decoded> {
    batches
        .map(move |batch| decode(batch, Arc::clone(&filter)))
        .buffered(workers)
}

async fn decode(batch: FrameBatch, filter: Arc<IngestFilter>) -> Decoded {
    let FrameBatch {
        numbering,
        is_rewound,
        arrived,
        frames,
    } = batch;
    let decoding = Instant::now();
    let upstream = &numbering.upstream;
    let drafts = match decode_all(upstream, frames.clone(), &filter).await {
        Ok(drafts) => drafts,
        Err(_panicked) => decode_one_by_one(upstream, frames, &filter).await,
    };
    Decoded {
        numbering,
        is_rewound,
        passage: Passage {
            arrived,
            decoding,
            decoded: Instant::now(),
        },
        drafts,
    }
}

async fn decode_all(
    upstream: &UpstreamId,
    frames: Vec<Bytes>,
    filter: &Arc<IngestFilter>,
) -> Result<Drafts, JoinError> {
    let (upstream, filter) = (upstream.clone(), Arc::clone(filter));
    tokio::task::spawn_blocking(move || {
        let admission = Admission {
            upstream: &upstream,
            filter: &filter,
        };
        admit_all(&frames, admission)
    })
    .await
}

/// A decoder that crashed on a stranger's bytes must cost no more than the frame it crashed on.
async fn decode_one_by_one(
    upstream: &UpstreamId,
    frames: Vec<Bytes>,
    filter: &Arc<IngestFilter>,
) -> Drafts {
    let mut drafts = Drafts::default();
    for frame in frames {
        match decode_all(upstream, vec![frame.clone()], filter).await {
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

fn admit_all(frames: &[Bytes], admission: Admission<'_>) -> Drafts {
    let mut drafts = Drafts::default();
    // A frame's JSON is a fraction of its bytes: most of them are tree nodes.
    drafts
        .text
        .reserve(frames.iter().map(Bytes::len).sum::<usize>() / 4);
    drafts.events.reserve(frames.len());
    for frame in frames {
        drafts.admit(frame, admission);
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
        self.filtered.append(later.filtered);
        self.seqs.join(later.seqs);
        self.notices.extend(later.notices);
    }
}
