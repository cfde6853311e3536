//! What tests under load share: the simulator's account in little memory, the judge of one stream, and a client that
//! reads at its own pace and is judged while it reads.

mod oracle;
mod matcher;

mod tally;
mod judge;

mod reader;
mod reference;

pub(crate) use judge::Start;
pub(crate) use oracle::{Oracle, fill};
pub(crate) use reader::{Pace, Reader, Until, Wish};
pub(crate) use reference::reference;
pub(crate) use tally::Tally;
