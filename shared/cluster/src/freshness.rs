//! When each collection was last seen, and whether its silence is unusual.
//!
//! The leader keeps one [`Table`]; every process reads its [`Snapshot`], and so does the next leader, so that baselines
//! outlive a leader. Time is [flow time](FlowClock): it runs only while the upstream sends something, so an upstream
//! outage makes no collection silent. Bounded: names come from untrusted accounts, so the rarest collections are
//! evicted and counted together. Counting an event of a known collection is one hash lookup and allocates nothing.

mod flow_clock;
mod silence;
mod row;
mod snapshot;
mod table;

pub use flow_clock::FlowClock;
pub use row::Row;
pub use silence::{Baseline, MIN_SILENCE};
pub use snapshot::{Other, Snapshot, UpstreamSeen};
pub use table::{KEEP_SECONDS, MAX_ROWS, Table};

#[cfg(test)]
mod tests;
