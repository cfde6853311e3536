//! The one ordered log, as a trait, and what every backend of it must hold.
//!
//! The log is the only truth: there is no cursor store beside it. A seq is a position in it, contiguous from the
//! oldest event that is kept to the newest; which log it belongs to, its identity says. Who may try to write it is decided by a [`lease`] beside it, who may write
//! by the log itself. Backends: [`memory`] here, NATS JetStream in `fanjet-log-nats`.
//! This crate must never know a backend's words (subjects, streams, files).

mod limits;
mod seq;
mod trace;
mod identity;
mod error;
mod event;
mod selection;
mod traits;

pub mod lease;
pub mod notices;
pub mod announcer;
pub mod bookmarks;
pub mod memory;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

pub use bookmarks::Bookmarks;
pub use error::{AppendError, LogError};
pub use event::{Entry, NewEvent, Origin, UpstreamId};
pub use identity::{LogIdentity, NoIdentity, first_seq};
pub use limits::MAX_BODY;
pub use notices::{Notices, StoreError};
pub use selection::{Selection, TopicFilter};
pub use seq::Seq;
pub use trace::TraceParent;
pub use traits::{Appender, Bounds, EventLog, Follow, Page, PassedOver, ReadLimit};
