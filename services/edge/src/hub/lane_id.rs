//! What a lane is called.

/// A lane's place in its shard. Reused after the lane's last holder has left.
pub type LaneId = u32;
