//! How far an upstream has been read.

use crate::frame_time::FrameTime;

/// A frame's position in an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FramePosition {
    pub(crate) seq: u64,
    pub(crate) time: FrameTime,
}

/// How far an upstream has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// No frame has arrived since.
    Nothing { since: FrameTime },
    /// This frame is the last one handed on.
    Frame { seq: u64, time: FrameTime },
}
