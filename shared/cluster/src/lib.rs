//! What the processes of one cluster tell each other about the stream and about themselves.
//!
//! Pure values and what follows from them: [`freshness`] says when each collection was last seen, how often it usually
//! comes, and whether it is silent against that; [`member`] says which
//! processes there are. What time it is they do not know, nor who writes them where.

pub mod freshness;
pub mod member;

pub use member::{Member, Part, Presence, Standing};
