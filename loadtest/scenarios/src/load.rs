//! A client that reads at its own pace and is judged while it reads, and the one that gets everything.

mod reader;
mod reference;

pub(crate) use reader::{Pace, Reader, Until, Wish};
pub(crate) use reference::reference;
