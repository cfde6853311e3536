//! Subscriber options: what a client asks for, checked once, and whether an event is what it asked for.
//!
//! Pure: a query string in, a filter out. This crate must never do I/O, know a socket or hold a subscriber.

mod query;

mod options;

mod filter;

mod error;

pub use error::OptionsError;
pub use filter::{Filter, MAX_COLLECTIONS, MAX_DIDS};
pub use options::SubscriberOptions;
