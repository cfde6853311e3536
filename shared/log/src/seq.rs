//! Positions in the log.

/// A position in the log. The first event of a new log has [`first_seq`](crate::first_seq); 0 is before everything.
pub type Seq = u64;
