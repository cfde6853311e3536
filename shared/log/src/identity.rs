//! The identity of a log, and the first seq of a new one.
//!
//! A seq is meaningful in one log only. Code that keeps a seq across restarts or reconnects stores the identity of its
//! log with it, and must never use it in another log.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::Seq;

/// Seqs per second of log time that are reserved for earlier logs: more than the network's rate, averaged over years.
const SEQS_PER_SECOND: u64 = 2000;

/// Identifies one log. A log that is re-created at the same place has another identity, even with the same name and the
/// same events. Compare, print and parse it; its parts are meaningless to readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogIdentity {
    /// When the log was created, in Unix nanoseconds of the backend's clock.
    created_ns: u64,
    /// Distinguishes logs that wrong clocks created at the same time; 0 if the backend's clock suffices.
    epoch: u64,
}

/// A text that is not an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("invalid log identity (allowed: a decimal number, a dash and 16 hexadecimal digits)")]
pub struct NoIdentity;

impl LogIdentity {
    /// The identity of a log created at a time, with a random number if the time may not be unique.
    pub const fn new(created_ns: u64, epoch: u64) -> Self {
        Self { created_ns, epoch }
    }
}

impl fmt::Display for LogIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}", self.created_ns, self.epoch)
    }
}

impl FromStr for LogIdentity {
    type Err = NoIdentity;

    fn from_str(text: &str) -> Result<Self, NoIdentity> {
        let (created, epoch) = text.split_once('-').ok_or(NoIdentity)?;
        let identity = Self {
            created_ns: created.parse().map_err(|_| NoIdentity)?,
            epoch: u64::from_str_radix(epoch, 16).map_err(|_| NoIdentity)?,
        };
        // Accept the canonical form only.
        (identity.to_string() == text)
            .then_some(identity)
            .ok_or(NoIdentity)
    }
}

/// The first seq of a log that is created at a time in Unix microseconds.
///
/// It is above every seq of an earlier log at the same place, so an old cursor never points into a new log: it is too
/// old, and clients get an error. It stays below 10^15, where cursors are times: it is 4 * 10^12 in 2033.
pub fn first_seq(now_us: u64) -> Seq {
    (now_us / 1_000_000).saturating_mul(SEQS_PER_SECOND).max(1)
}

#[cfg(test)]
mod tests;
