//! Fan-out on one worker thread.

mod router;

mod lane;
mod lanes;

mod member;
mod shard;

mod pacing;

mod farewell;

mod actor;

mod worker;

pub use lane::LaneId;
pub use member::Member;
pub use router::Router;
pub use shard::{CatchUp, Shard, ShardLimits, SharedShard, Step};

pub(crate) use worker::Worker;

#[cfg(feature = "fault-injection")]
pub(crate) use actor::{Crash, Hub};
