//! One frame and its expected events.

use bytes::Bytes;

use crate::{ExpectedEvent, FaultKind};

/// One frame and its expected events.
#[derive(Debug, Clone, PartialEq)]
pub struct ProducedFrame {
    /// The frame's seq. A frame of garbage has none; then this is the one before it.
    pub seq: u64,
    /// The WebSocket message.
    pub bytes: Bytes,
    /// The expected events.
    pub expected: Vec<ExpectedEvent>,
    /// The fault in it, if any.
    pub fault: Option<FaultKind>,
    /// How many frames and operations a correct consumer drops because of the fault, among those that reach it.
    pub drops: u64,
}
