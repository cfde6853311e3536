//! What one client may take, beside places: messages, bytes, memory while they are read and for its filters, and replayed bytes.
//!
//! Places are counted where clients come in (`http::admission`). Nothing here knows a connection: it is asked, and says
//! how long to wait, or no.

mod api_keys;
mod holder;
mod allowance;
mod budget;
mod inbound_memory;
mod filter_memory;

pub(crate) use allowance::{Allowance, Rate, Sending, SharedAllowance};
pub(crate) use api_keys::{ApiKey, ApiKeys};
pub(crate) use budget::{Budget, Claim};
pub(crate) use filter_memory::{FilterClaim, FilterMemory};
pub(crate) use holder::{Holder, counted_as};
pub(crate) use inbound_memory::InboundMemory;

/// A setting where 0 is no limit.
pub(crate) fn unless_zero(max: usize) -> usize {
    match max {
        0 => usize::MAX,
        max => max,
    }
}
