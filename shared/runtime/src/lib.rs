//! The runtime of a process: named tasks with a stated failure policy, shutdown, backoff, the clock.
//!
//! Nothing here knows what the tasks do. Every task needs a name and a failure policy: `tokio::spawn` is banned
//! everywhere else.

mod jitter;
mod backoff;
mod promptness;
mod clock;
mod stop;
mod tasks;
mod apart;

pub use apart::apart;
pub use backoff::Backoff;
pub use clock::{Clock, SteadyClock, SystemClock};
pub use jitter::seed_jitter;
pub use promptness::Promptness;
pub use stop::{Stop, stop_on_signal};
pub use tasks::{OnFailure, TaskError, Tasks};
