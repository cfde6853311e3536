//! ATProto identifiers as types that are valid by construction.
//!
//! A value of one of these types is validated once, at the edge of the system; code that holds one never validates it
//! again. This crate must never do I/O, never be async and never depend on JSON, CBOR or NATS.
//!
//! Rules: <https://atproto.com/specs/did>, `/nsid`, `/record-key`, `/tid`, and the blessed CID formats of
//! <https://atproto.com/specs/data-model>.

mod syntax;
mod did;
mod nsid;
mod record_key;
mod tid;
mod datetime;
mod cid;
mod operation;
mod cursor;
mod time;
mod frame;
mod topic;

pub use cid::{Cid, Codec};
pub use cursor::{Cursor, SEQ_TIME_BOUNDARY};
pub use datetime::Datetime;
pub use did::Did;
pub use frame::{FrameStamp, FrameTopic};
pub use nsid::{Nsid, NsidPrefix};
pub use operation::Action;
pub use record_key::RecordKey;
pub use syntax::Invalid;
pub use tid::Tid;
pub use time::TimeUs;
pub use topic::{LabelStamp, Topic};
