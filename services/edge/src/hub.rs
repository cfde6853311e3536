//! Fan-out on one worker thread.

mod actor;
mod lane;
mod member;
mod pacing;
mod router;
mod shard;
mod worker;

pub use lane::LaneId;
pub use member::Member;
pub use router::Router;
pub use shard::{CatchUp, Shard, ShardLimits, SharedShard, Step};

pub(crate) use worker::Worker;

#[cfg(feature = "fault-injection")]
pub(crate) use actor::{Crash, Hub};
