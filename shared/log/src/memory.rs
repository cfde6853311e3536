//! The log in memory: for tests of everything that reads or writes a log.
//!
//! It keeps the whole contract and can be told to misbehave in the ways a real backend does ([`Fault`]). Nothing
//! here is durable, and nothing waits: an append is acknowledged when it returns.

mod options;
mod faults;
mod state;
mod shared;
mod appender;
mod follow;
mod log;

mod lease;
mod notices;
mod bookmarks;

pub use bookmarks::MemoryBookmarks;
pub use faults::Fault;
pub use lease::MemoryLease;
pub use log::MemoryLog;
pub use notices::MemoryNotices;
pub use options::MemoryOptions;
pub use shared::Reads;
