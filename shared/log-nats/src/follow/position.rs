//! Tracks the sequences that a consumer delivers. Pure.

use fanjet_log::{LogError, Seq};

use crate::delivery::Delivery;

/// The progress of a follow.
#[derive(Debug)]
pub(super) struct FollowPosition {
    /// The requested start.
    from: Seq,
    /// The stream sequence after the last message; `None` before the first.
    next: Option<Seq>,
    /// The consumer sequence of the last message.
    delivered: u64,
    /// Whether every message of the stream is delivered.
    is_unfiltered: bool,
}

/// The result for a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeliveryCheck {
    /// It is the next one.
    Fine,
    /// A delivery was lost.
    Gap,
    /// The server has nothing in between: messages have expired, were deleted, or were lost.
    Hole,
}

impl FollowPosition {
    pub(super) fn new(from: Seq, is_unfiltered: bool) -> Self {
        Self {
            from,
            next: None,
            delivered: 0,
            is_unfiltered,
        }
    }

    pub(super) fn judge(&self, delivery: Delivery) -> DeliveryCheck {
        if delivery.consumer_seq != self.delivered + 1 {
            return DeliveryCheck::Gap;
        }
        match self.next {
            _ if !self.is_unfiltered => DeliveryCheck::Fine,
            Some(expected) if delivery.stream_seq < expected => DeliveryCheck::Gap,
            _ if delivery.stream_seq > self.expected() => DeliveryCheck::Hole,
            _ => DeliveryCheck::Fine,
        }
    }

    pub(super) fn advance(&mut self, delivery: Delivery) {
        self.delivered = delivery.consumer_seq;
        self.next = Some(delivery.stream_seq + 1);
    }

    /// Whether it is before the requested start: the server moves a future start back to the end of the log.
    pub(super) fn is_before_start(&self, seq: Seq) -> bool {
        seq < self.from
    }

    /// Whether a heartbeat's count of deliveries includes some that never arrived.
    pub(super) fn is_behind(&self, delivered: u64) -> bool {
        self.delivered < delivered
    }

    pub(super) fn expected(&self) -> Seq {
        self.next.unwrap_or(self.from)
    }

    pub(super) fn gap(&self, found: Seq) -> LogError {
        LogError::Gap {
            expected: self.expected(),
            found,
        }
    }
}

#[cfg(test)]
mod tests;
