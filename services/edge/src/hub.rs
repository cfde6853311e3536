//! Fan-out on one worker thread.

mod lane_id;
mod router;

mod member;
mod lane;
mod lanes;
mod membership;

mod shard;
mod delay;
mod shards;

mod pacing;
mod drain_pace;
mod actor;

pub use lane_id::LaneId;
pub use member::Member;
pub use router::Router;
pub use shard::{CatchUp, Shard, ShardLimits, StepOutcome};
pub use shards::{Flush, Shards, SharedShards};

#[cfg(feature = "fault-injection")]
pub(crate) use actor::Crash;
pub(crate) use actor::{Draining, Hub};
pub(crate) use pacing::CEILING;
