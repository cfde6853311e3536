//! Which log this is, and where the numbering of a new one begins.
//!
//! A seq means something in one log only. Whoever keeps one across restarts or reconnects keeps the identity of its log
//! beside it, and must never use it in another.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::Seq;

/// Seqs per second of log time that are kept free for the logs before: more than the network has ever had, for years.
const SEQS_PER_SECOND: u64 = 2000;

/// One log, as opposed to another one at the same place: what is made anew in its stead has another identity, also when
/// it has the same name and the same events. To be compared, printed and parsed; its parts mean nothing to readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogIdentity {
    /// When the log was made, in Unix nanoseconds of whatever clock its backend has.
    created_ns: u64,
    /// Tells apart what wrong clocks made at the same time; 0 where the backend's clock suffices.
    epoch: u64,
}

/// A text that is no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an identity of a log is a decimal number, a dash and 16 hexadecimal digits")]
pub struct NoIdentity;

impl LogIdentity {
    /// The identity of a log made at a time, with a random number where the time may not be unique.
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
        // One way to write it only.
        (identity.to_string() == text)
            .then_some(identity)
            .ok_or(NoIdentity)
    }
}

/// The first seq of a log that is made at a time in Unix microseconds.
///
/// It is above every seq that an earlier log at the same place has given out, so an old cursor never points into a new
/// log: it is older than everything there, and clients are told so. Below 10^15, where cursors are times, for longer than
/// anybody will run this: it is 4 * 10^12 in 2033.
pub fn first_seq(now_us: u64) -> Seq {
    (now_us / 1_000_000).saturating_mul(SEQS_PER_SECOND).max(1)
}

#[cfg(test)]
mod tests;
