//! One frame and what must come of it.

use bytes::Bytes;

use crate::{ExpectedEvent, FaultKind};

/// One frame and what must come of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProducedFrame {
    /// The frame's seq. A frame of garbage has none; this is then the one before it.
    pub seq: u64,
    /// The WebSocket message.
    pub bytes: Bytes,
    /// The events a correct consumer makes of it.
    pub expected: Vec<ExpectedEvent>,
    /// The fault in it, if any.
    pub fault: Option<FaultKind>,
    /// How many frames and operations a correct consumer drops because of it, of those that reach it.
    pub drops: u64,
}
