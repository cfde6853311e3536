//! A second opinion on everything that a server of events must get right: which bytes are a frame, which event they are, whether a
//! filter wants it, and whether all of them came, once, in order.
//!
//! What must come is the simulator's own account, as it writes it to a file. Not one line is shared with the code under test,
//! and nothing here may ever depend on it.

pub mod client_frame;
mod walker;

mod text;
mod filter;

mod expected;
mod account;

mod verdict;
mod log;

mod names;
mod ledger;
mod stream;

pub use account::Account;
pub use expected::{Expected, Key};
pub use filter::{Filter, Matcher};
pub use ledger::{Ledger, fill};
pub use log::LogJudge;
pub use stream::{Seen, Start, StreamJudge};
pub use text::{compare, split, time_us};
pub use verdict::Verdict;
pub use walker::{Kind, Piece, ProtocolError, Walker};
