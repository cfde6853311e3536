//! The state that the processes of one cluster share about the stream and about themselves.
//!
//! Pure values and rules: [`freshness`] has the time of each collection's last event, its usual rate, and whether it is
//! unusually silent; [`member`] describes the processes. Neither knows the current time, nor where values are stored.

pub mod freshness;
pub mod member;

pub use member::{Member, MemberStatus, Part, Presence};
