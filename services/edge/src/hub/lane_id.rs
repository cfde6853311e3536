//! The id of a lane.

/// The index of a lane in its shard. Reused after the lane is freed.
pub type LaneId = u32;
