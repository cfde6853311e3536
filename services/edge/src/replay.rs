//! Events that the ring no longer holds, read from the log.
//!
//! A subscriber whose position lies before the ring asks the [`Desk`] for the page at its position and gets it from
//! the cache, from a load that is under way, or from a new one: readers that are close to each other share pages, if they
//! select the same.
//! Loads are bounded and wait in the order in which they were asked for, so no replay starves another. Nothing here
//! knows a subscriber, and nothing here ever skips an event: a page says from where on it is complete. A place
//! where the log is damaged fails the loads that need it, and no others.

mod page;

mod cache;
mod plan;
mod desk;

mod loader;

mod start;

pub use desk::{Answer, Desk, Loaded};
pub use page::Page;
pub use start::Start;

pub(crate) use loader::Loader;
pub(crate) use plan::selection_for;
pub(crate) use start::{Questions, StartError, Starts};
