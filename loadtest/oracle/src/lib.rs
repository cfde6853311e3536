//! An independent check of everything that an event server must get right: which bytes are a frame, which event they
//! are, whether a filter matches it, and whether all events arrived once and in order.
//!
//! Expected events come from the file that the simulator writes. This crate shares no code with the code under test,
//! and must never depend on it.

pub mod client_frame;
mod frame_reader;

mod text;
mod v2;
mod filter;

mod expected;
mod expected_events;

mod verdict;
mod log;

mod names;
mod ledger;
mod stream;

pub use expected::{Expected, Key};
pub use expected_events::ExpectedEvents;
pub use filter::{Filter, Matcher};
pub use frame_reader::{FrameReader, Kind, Piece, ProtocolError};
pub use ledger::{Ledger, fill};
pub use log::LogJudge;
pub use stream::{Seen, Start, StreamJudge};
pub use text::{compare, split, time_us};
pub use v2::{V2Message, read_v2};
pub use verdict::Verdict;
