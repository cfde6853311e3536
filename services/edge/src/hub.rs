//! Fan-out on one worker thread.

mod router;

mod member;
mod lane;
mod lanes;
mod membership;

mod shard;

mod pacing;
mod farewell;
mod actor;

pub use member::Member;
pub use router::{LaneId, Router};
pub use shard::{CatchUp, Shard, ShardLimits, SharedShard, Step};

#[cfg(feature = "fault-injection")]
pub(crate) use actor::Crash;
pub(crate) use actor::{Draining, Hub};
