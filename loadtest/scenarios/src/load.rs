//! A client that reads at its own pace and is checked while it reads, and the reference client that gets everything.

mod patience;
mod reader;
mod reference;

pub(crate) use reader::{Pace, Reader, Until, Wish};
pub(crate) use reference::reference;
