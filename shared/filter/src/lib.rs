//! Subscriber options: what a client asks for, validated once, and whether an event matches it.
//!
//! Pure: a query string or a client's message in, a filter out. This crate must never do I/O, know a socket or hold a
//! subscriber.

mod query;
mod go_json;
mod list;
mod parameter;
mod plc;
mod error;
mod protocol;
mod encoding;
mod request;
mod filter;
mod options;
mod payload;
mod message;
mod v2;

pub use encoding::Encoding;
pub use error::{MAX_DELAY_MS, MAX_HEARTBEAT_SECONDS, MessageError, OptionsError};
pub use filter::{EventKind, Filter};
pub use list::{
    List, MAX_COLLECTION_VALUES, MAX_COLLECTIONS, MAX_DID_VALUES, MAX_DIDS, MAX_FILTER_BYTES,
};
pub use message::ClientMessage;
pub use options::SubscriberOptions;
pub use parameter::Parameter;
pub use payload::OptionsUpdate;
pub use plc::PlcDid;
pub use protocol::Protocol;
pub use request::FilterRequest;
pub use v2::{PlanRequest, V2Error, V2Lists, V2Options};

pub(crate) use filter::EventKinds;
