//! Events that the ring no longer holds, read from the log.
//!
//! A subscriber whose position is before the ring asks [`PageRequests`] for the page at its position. It gets the page from
//! the cache, from a running load or from a new one: readers that are close to each other with the same selection share pages.
//! Loads are bounded and run in request order, so no replay starves another. Nothing here knows a subscriber or skips an
//! event: a page states from which seq on it is complete. A damaged seq fails only the loads that need it.

mod page;

mod cache;
mod plan;
mod page_requests;

mod disk;

mod loader;

mod start;

pub use page::Page;
pub use page_requests::{Loaded, PageRequests, PageResponse};
pub use start::Start;

pub(crate) use disk::{LocalTier, TierWriter};
pub(crate) use loader::Loader;
pub(crate) use loader::MAX_ENTRIES;
pub(crate) use plan::selection_for;
pub(crate) use start::{LogLookups, PlanBounds, StartError, StartResolver, V2Start};
