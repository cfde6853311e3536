//! The trace that an event belongs to, for the few events that are traced.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

/// The span that appended an event to the log, as [W3C trace
/// context](https://www.w3.org/TR/trace-context/#traceparent-header) writes it. Only recorded traces are propagated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    /// The trace ID.
    pub trace_id: NonZeroU128,
    /// The span ID.
    pub span_id: NonZeroU64,
}

impl TraceParent {
    /// Parses `00-<trace id>-<span id>-<flags>`. `None` also for a trace that is not recorded.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version != "00" || parts.next().is_some() {
            return None;
        }
        let is_recorded = hex(flags, 2)? & 1 == 1;
        let parent = Self {
            trace_id: NonZeroU128::new(hex(trace, 32)?)?,
            span_id: NonZeroU64::new(u64::try_from(hex(span, 16)?).ok()?)?,
        };
        is_recorded.then_some(parent)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", self.trace_id, self.span_id)
    }
}

/// Parses exactly this many lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != digits || !text.bytes().all(is_hex) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests;
