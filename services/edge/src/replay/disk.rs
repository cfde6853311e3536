//! The past on the node's own disk: a copy of what the node follows, so that the log serves no replays.
//!
//! [`LocalTier`] is what readers ask; [`TierWriter`] keeps the copy behind it. The copy follows the ring, and grows backwards at a
//! bounded rate until it has everything or its bytes are used. It must never change what a client gets: it only answers for
//! events that the log has, of the same log. Nothing waits for it, and whatever is wrong with it costs nothing but itself: a
//! damaged or lost copy is started again, and a disk that cannot be written ends it.

mod end;
mod events;
mod pace;
mod local_tier;

mod past;
mod writer;

pub(crate) use local_tier::LocalTier;
pub(crate) use writer::TierWriter;
