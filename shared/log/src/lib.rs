//! The one ordered log, as a trait, and the contract of its backends.
//!
//! The log is the only source of truth: there is no cursor store beside it. A seq is a position in the log. Seqs are
//! contiguous from the oldest kept event to the newest, and the log's identity says which log a seq belongs to. A [`lease`]
//! beside the log decides which process tries to write, and the log itself decides which one writes. Backends: [`memory`]
//! here, NATS JetStream in `fanjet-log-nats`, a folder in `fanjet-log-embedded`. This crate must never know a backend's
//! concepts (subjects, streams, files).

mod limits;
mod seq;
mod trace;
mod identity;
mod error;
mod event;
mod config;
mod selection;
mod traits;

pub mod lease;
pub mod cluster_state;
pub mod heartbeat;
pub mod bookmarks;
mod raw_log;
pub mod memory;

#[cfg(any(test, feature = "contract"))]
pub mod contract;

pub use bookmarks::Bookmarks;
pub use cluster_state::{ClusterState, StoreError};
pub use config::{FirstContact, Labeler, LabelsConfig, LabelsVerification, RawConfig};
pub use error::{AppendError, LogError};
pub use event::{Entry, NewEvent, Origin, UpstreamId};
pub use identity::{LogIdentity, NoIdentity, first_seq};
pub use limits::{MAX_BODY, MAX_FRAME, max_body};
pub use raw_log::{OpenRawLog, RawLog};
pub use selection::{Selection, TopicFilter};
pub use seq::Seq;
pub use trace::TraceParent;
pub use traits::{Appender, Bounds, EventLog, Follow, Page, ReadLimit, SkippedSeqs, last_by_scan};
