//! Lookups about accounts: DID documents, and anything else that is resolved from a name that the account's owner
//! chose.
//!
//! Untrusted accounts decide what is looked up and, with did:web and handles, which host is contacted. [`Lookups`] runs
//! one kind of lookup: one at a time per key, within the rates of the key, the site and the total, with a bounded
//! cache. It never blocks its callers, who get something to wait for and bring a deadline; a failed lookup never
//! changes a cached result, except that it marks it as outdated.
//!
//! All clocks are monotonic: a wall clock that is set back must neither stop lookups nor keep old results.

mod who;
mod fetch;
mod documents;

mod cache;
mod rate;
mod breaker;
mod site_limits;
mod fair;
mod kind;
mod memory;
mod lookups;

pub use documents::{Documents, Web};
pub use fair::Shares;
pub use fetch::{NoAnswer, base_url, below, fetch};
pub use kind::{Ended, Kind, Limits, Looking};
pub use lookups::{Admission, Asked, LookUp, Lookups};
pub use memory::{Answered, Remembered};
pub use rate::{Budget, Rate};
pub use site_limits::{Denied, SiteLimits};
pub use who::Who;
