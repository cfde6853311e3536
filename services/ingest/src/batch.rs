//! Frames between the upstream and the decoder, with what is known about them.

use bytes::Bytes;
use fanjet_log::UpstreamId;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::frame_time::FrameTime;
use crate::read_position::Reached;

/// The numbering of frames: an upstream, and how often it has restarted its sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numbering {
    pub(crate) upstream: UpstreamId,
    pub(crate) epoch: u32,
}

/// What frames may be other than new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rewind {
    /// Only new.
    None,
    /// From here on, frames may repeat what the log contains under other seqs.
    IntoLog,
    /// Frames before these are lost: they do not start at the resume position.
    BehindLoss,
    /// Reading started at a given time, and these frames may be older than that.
    BeforeBeginning(FrameTime),
}

/// Frames as the upstream sent them.
#[derive(Debug)]
pub(crate) struct FrameBatch {
    /// The numbering of the frames.
    pub(crate) numbering: Numbering,
    /// What the frames may be other than new.
    pub(crate) rewind: Rewind,
    /// The upstream position after these frames, if known.
    pub(crate) reached: Option<Reached>,
    /// When the first frame arrived.
    pub(crate) arrived: Instant,
    /// The frames in order.
    pub(crate) frames: Vec<Bytes>,
    /// The batch's share of the queue's bytes, released when the batch has been decoded.
    pub(crate) share: Share,
}

/// When a batch reached each step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchTimes {
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
    pub(crate) fn of(deadline: Option<OwnedSemaphorePermit>) -> Self {
        Self { _permit: deadline }
    }
}
