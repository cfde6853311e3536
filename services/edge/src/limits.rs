//! What one client may take, beside places: messages, bytes, memory while they are read, and replayed bytes.
//!
//! Places are counted where clients come in (`http::admission`). Nothing here knows a connection: it is asked, and says
//! how long to wait, or no.

mod allowance;
mod inbound_memory;
mod api_keys;

pub(crate) use allowance::{Allowance, Rate, Sending, SharedAllowance};
pub(crate) use api_keys::{ApiKey, ApiKeys};
pub(crate) use inbound_memory::{Claim, InboundMemory, Share};

/// A setting where 0 is no limit.
pub(crate) fn unless_zero(max: usize) -> usize {
    match max {
        0 => usize::MAX,
        max => max,
    }
}
