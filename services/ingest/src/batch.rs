//! Frames on their way from the upstream to the decoder, and what is known of them.

use bytes::Bytes;
use fanjet_log::UpstreamId;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::frame_time::FrameTime;
use crate::place::Reached;

/// Who numbered frames: an upstream, and how often it has begun anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbering {
    pub(crate) upstream: UpstreamId,
    pub(crate) epoch: u32,
}

/// What frames may be besides new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rewind {
    /// Nothing.
    None,
    /// From here on what the log holds may come again, in another numbering.
    IntoLog,
    /// What came before them is lost: they do not begin where it was to be gone on.
    BehindLoss,
    /// Reading began at a time before which nothing is wanted, and they may come from before.
    BeforeBeginning(FrameTime),
}

/// What the upstream sent, as it came.
#[derive(Debug)]
pub(crate) struct FrameBatch {
    /// Who numbered the frames.
    pub(crate) numbering: Numbering,
    /// What they may be besides new.
    pub(crate) rewind: Rewind,
    /// How far the upstream is read with them, if that is known.
    pub(crate) reached: Option<Reached>,
    /// When the first of them came.
    pub(crate) arrived: Instant,
    /// The frames in order.
    pub(crate) frames: Vec<Bytes>,
    /// Of the queue's bytes; free again when the batch is decoded.
    pub(crate) share: Share,
}

/// When a batch was where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passage {
    pub(crate) arrived: Instant,
    pub(crate) decoding: Instant,
    pub(crate) decoded: Instant,
}

/// A batch's share of the queue's bytes.
#[derive(Debug, Default)]
pub(crate) struct Share {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Share {
    pub(crate) fn of(permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { _permit: permit }
    }
}
