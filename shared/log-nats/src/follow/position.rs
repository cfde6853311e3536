//! Counting what a consumer delivers. Pure.

use fanjet_log::{LogError, Seq};

use crate::delivery::Delivery;

/// How far a follow has come.
#[derive(Debug)]
pub(super) struct Position {
    /// Where its owner wanted to begin.
    from: Seq,
    /// The stream seq after the last message; none before the first.
    next: Option<Seq>,
    /// The consumer seq of the last message.
    delivered: u64,
    /// Whether every message of the stream is delivered.
    is_unfiltered: bool,
}

/// What a delivery means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It follows.
    Fine,
    /// Something between was lost.
    Gap,
    /// The server has nothing between: it has expired, was deleted, or was lost.
    Hole,
}

impl Position {
    pub(super) fn new(from: Seq, is_unfiltered: bool) -> Self {
        Self {
            from,
            next: None,
            delivered: 0,
            is_unfiltered,
        }
    }

    pub(super) fn judge(&self, delivery: Delivery) -> Verdict {
        if delivery.consumer_seq != self.delivered + 1 {
            return Verdict::Gap;
        }
        match self.next {
            _ if !self.is_unfiltered => Verdict::Fine,
            Some(expected) if delivery.stream_seq < expected => Verdict::Gap,
            _ if delivery.stream_seq > self.expected() => Verdict::Hole,
            _ => Verdict::Fine,
        }
    }

    pub(super) fn advance(&mut self, delivery: Delivery) {
        self.delivered = delivery.consumer_seq;
        self.next = Some(delivery.stream_seq + 1);
    }

    /// Whether the owner does not want it yet: the server takes a start in the future back to the end of the log.
    pub(super) fn is_before_start(&self, seq: Seq) -> bool {
        seq < self.from
    }

    /// Whether a heartbeat that tells how many messages were delivered tells of some that never came.
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
