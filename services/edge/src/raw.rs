//! `com.atproto.sync.subscribeRepos`: the raw log to subscribers, byte for byte.
//!
//! The path of a frame: the [feeder] follows the raw log and fills the [ring]; a [subscriber] takes what is behind its
//! position from there, or from [pages] of the log that all replays share, and writes the shared bytes. [stream] finds the position
//! of a cursor, [close] says how connections end.
//!
//! `com.atproto.label.subscribeLabels` is served the same way from the log of labels: a [view] says what is taken from a log.
//!
//! Nothing here may decode a frame, copy one for a subscriber, or keep a queue for one.

mod cursor;
mod control;
mod close;
mod metrics;
mod ring;
mod choice;
mod view;
mod search;
mod pages;
mod stream;
mod feeder;
mod source;
mod subscriber;

pub(crate) use choice::Choice;
pub(crate) use close::CloseCause;
pub(crate) use control::info;
pub(crate) use cursor::cursor_of;
pub(crate) use feeder::RawFeeder;
pub(crate) use metrics::RawMetrics;
pub(crate) use source::Source;
pub(crate) use stream::{NoRawStart, RawStream};
pub(crate) use subscriber::{RawJoined, RawSubscriber, RawTimeouts};
pub(crate) use view::View;
