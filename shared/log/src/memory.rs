//! The log in memory, for tests of everything that reads or writes a log.
//!
//! It implements the whole contract and can inject the faults of a real backend ([`Fault`]). Nothing here is durable,
//! and nothing waits: an append is acknowledged when it returns.

mod options;
mod faults;
mod state;
mod shared;
mod appender;
mod follow;
mod log;

mod lease;
mod cluster_state;
mod bookmarks;

pub use bookmarks::MemoryBookmarks;
pub use cluster_state::MemoryClusterState;
pub use faults::Fault;
pub use lease::MemoryLease;
pub use log::MemoryLog;
pub use options::MemoryOptions;
pub use shared::Reads;
