//! Look-ups about accounts: DID documents, and whatever else is found out under a name that a stranger chose.
//!
//! Strangers decide what is looked up and, with did:web and handles, who is asked. A [`Desk`] makes one kind of look-up: one
//! at a time for each key, as often as the key, the site that is asked and all together may be, and it remembers a bounded
//! number of answers. It never holds up whoever asks, who gets something to wait for and brings a deadline; and a look-up that
//! fails never changes what is known, except that it counts as old.
//!
//! All clocks are monotonic: a wall clock that is set back must neither stop look-ups nor keep old answers.

mod who;
mod fetch;
mod documents;

mod cache;
mod rate;
mod breaker;
mod gate;
mod fair;
mod kind;
mod memory;
mod desk;

pub use desk::{Admission, Asked, Desk, LookUp};
pub use documents::{Documents, Web};
pub use fair::Shares;
pub use fetch::{NoAnswer, base_url, below, fetch};
pub use gate::{Denied, Gate};
pub use kind::{Ended, Kind, Limits, Looking};
pub use memory::{Answered, Remembered};
pub use rate::{Budget, Rate};
pub use who::Who;
