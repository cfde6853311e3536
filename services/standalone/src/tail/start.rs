//! Parses the start of a tail.

use std::str::FromStr;
use std::time::Duration;

use fanjet_event::Datetime;

use super::TailError;

/// The value of `--cursor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// A number that is passed to the server: a time_us or a seq.
    Cursor(u64),
    /// This long before now.
    Ago(Duration),
}

const ALLOWED: &str = "allowed: a time_us (1783175887000000), a seq (12345), an age (90s, 10m, 2h, 1d), or an RFC 3339 time (2026-07-04T14:38:07Z)";

impl Start {
    /// The cursor for the server.
    ///
    /// # Errors
    /// [`TailError::TooLongAgo`].
    pub(crate) fn cursor(self, now_us: u64) -> Result<u64, TailError> {
        match self {
            Self::Cursor(cursor) => Ok(cursor),
            Self::Ago(ago) => u64::try_from(ago.as_micros())
                .ok()
                .and_then(|ago| now_us.checked_sub(ago))
                .ok_or(TailError::TooLongAgo),
        }
    }
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(cursor) = text.parse::<u64>() {
            return Ok(Self::Cursor(cursor));
        }
        if let Ok(ago) = humantime::parse_duration(text) {
            return Ok(Self::Ago(ago));
        }
        match unix_us(text) {
            Some(us) => Ok(Self::Cursor(us)),
            None => Err(format!("not a position; {ALLOWED}")),
        }
    }
}

/// Unix microseconds of an RFC 3339 time, in any zone.
fn unix_us(text: &str) -> Option<u64> {
    let time = Datetime::parse(text).ok()?;
    u64::try_from(time.unix_us()?).ok()
}

#[cfg(test)]
mod tests;
