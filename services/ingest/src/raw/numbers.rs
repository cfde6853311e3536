//! The numbers that clients of the raw stream see. Pure.
//!
//! They are the upstream's own seqs, so that frames are kept byte for byte and a client can take its cursor from and to
//! that upstream. Only where an upstream's seqs do not rise above what the log already has (after a failover to a relay
//! with lower numbers, or a relay that restarted its sequence) a frame gets the next number, and keeps its own again as
//! soon as that is higher.

/// The highest seq of an upstream that is taken. Clients accept numbers below 2^53; the half above is for the frames
/// that come after a wrong or malicious seq, so that no upstream can bring the stream to an end.
pub(crate) const MAX_RELAY_SEQ: u64 = 1 << 52;

/// The numbers of one log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WireSeqs {
    last: Option<u64>,
}

impl WireSeqs {
    /// Continues after the log's newest frame.
    pub(crate) fn continuing(last: Option<u64>) -> Self {
        Self { last }
    }

    /// The number of the next frame: its own, or the one after the last if that is higher. Invariant: they rise
    /// strictly. `None` for a seq that no client could use.
    pub(crate) fn next(&mut self, relay_seq: u64) -> Option<u64> {
        if relay_seq == 0 || relay_seq > MAX_RELAY_SEQ {
            return None;
        }
        let number = relay_seq.max(self.last.map_or(0, |last| last + 1));
        self.last = Some(number);
        Some(number)
    }
}

#[cfg(test)]
mod tests;
