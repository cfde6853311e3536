//! Limits per client, except the number of connections: messages, bytes, memory for messages and filters, and replayed bytes.
//!
//! Connections are counted in `http::admission`. Nothing here knows a connection: callers ask, and get a delay or a refusal.

mod api_keys;
mod holder;
mod allowance;
mod budget;
mod inbound_memory;
mod filter_memory;
mod slots;

pub(crate) use allowance::{Allowance, Rate, SendAllowance, SharedAllowance};
pub(crate) use api_keys::{ApiKey, ApiKeys};
pub(crate) use budget::{Budget, Claim};
pub(crate) use filter_memory::{FilterClaim, FilterMemory};
pub(crate) use holder::{Holder, counted_as};
pub(crate) use inbound_memory::InboundMemory;
pub(crate) use slots::{Full, Slot, Slots};

/// Converts a setting where 0 means no limit.
pub(crate) fn unless_zero(max: usize) -> usize {
    match max {
        0 => usize::MAX,
        max => max,
    }
}
