//! When each collection was last seen, and whether that is unusual.
//!
//! One [`Table`] is kept by whoever writes the log; its [`Snapshot`] is read by everybody, and by whoever writes the log
//! next, so that what is usual outlives a leader. Time is [flow time](FlowClock): it runs only while the upstream sends
//! something, so that an upstream that is away makes no collection silent.
//! Bounded: names come from strangers, so the rarest make room and are counted together. Counting an event that is known
//! is one look-up and allocates nothing.

mod flow_clock;
mod silence;
mod row;
mod snapshot;
mod table;

pub use flow_clock::FlowClock;
pub use row::Row;
pub use silence::{MIN_SILENCE, Usual};
pub use snapshot::{Other, Snapshot, UpstreamSeen};
pub use table::{KEEP_SECONDS, MAX_ROWS, Table};

#[cfg(test)]
mod tests;
