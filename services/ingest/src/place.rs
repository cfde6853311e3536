//! Where the reading of an upstream stands.

use crate::frame_time::FrameTime;

/// A frame's place in an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) time: FrameTime,
}

/// How far an upstream was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// Nothing has come since then.
    Nothing { since: FrameTime },
    /// This frame is the last that was handed on.
    Frame { seq: u64, time: FrameTime },
}
