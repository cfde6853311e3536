//! How things run: named tasks with a stated meaning of failure, shutdown, pauses between tries, the clock.
//!
//! Nothing here knows what the tasks do. A task that nobody named, or whose failure nobody thought about, cannot
//! be started: `tokio::spawn` is banned everywhere else.

mod backoff;
mod clock;
mod stop;
mod tasks;

pub use backoff::Backoff;
pub use clock::{Clock, SteadyClock, SystemClock};
pub use stop::{Stop, stop_on_signal};
pub use tasks::{OnFailure, TaskError, Tasks};
