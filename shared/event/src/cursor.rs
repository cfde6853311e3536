//! Where a client wants to start.

use crate::Invalid;

/// Cursors at or above this are Unix microseconds, below it they are seqs of the log.
pub const SEQ_TIME_BOUNDARY: u64 = 1_000_000_000_000_000;

/// A client's cursor. Both kinds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cursor {
    /// Start with the event of this seq.
    Seq(u64),
    /// Start with the first event whose `time_us` is not below this.
    TimeUs(u64),
}

impl Cursor {
    /// Parses a `cursor` parameter: a signed decimal 64-bit number, as v1 takes it. A negative one means
    /// everything retained, like 0.
    ///
    /// # Errors
    /// [`Invalid`] when the text is no such number.
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

    /// Splits the two namespaces.
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
