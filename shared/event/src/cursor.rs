//! The point at which a client wants to start.

use crate::Invalid;

/// Cursors at or above this value are Unix microseconds; below it they are seqs of the log.
pub const SEQ_TIME_BOUNDARY: u64 = 1_000_000_000_000_000;

/// A client's cursor. Both kinds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cursor {
    /// Start at the event with this seq.
    Seq(u64),
    /// Start at the first event whose `time_us` is at least this.
    TimeUs(u64),
}

impl Cursor {
    /// Parses a `cursor` parameter: a signed decimal 64-bit number, as v1 accepts it. A negative number means
    /// everything retained, like 0.
    ///
    /// # Errors
    /// [`Invalid`] when the text is not such a number.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let value: i64 = text.parse().map_err(|_| {
            Invalid::new(
                "cursor",
                text,
                "a decimal number of Unix microseconds, or a seq",
            )
        })?;
        Ok(Self::from_value(u64::try_from(value).unwrap_or(0)))
    }

    /// Separates seqs from times.
    pub fn from_value(value: u64) -> Self {
        if value >= SEQ_TIME_BOUNDARY {
            Self::TimeUs(value)
        } else {
            Self::Seq(value)
        }
    }
}

#[cfg(test)]
mod tests;
