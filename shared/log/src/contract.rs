//! The contract suite: tests of the guarantees that every backend of the log gives.
//!
//! A backend writes a function that opens an empty log and passes it to the macro, which generates one test per case:
//!
//! ```ignore
//! async fn open() -> fanjet_log::contract::Opened {
//!     fanjet_log::contract::Opened::new(MyLog::in_a_new_folder())
//! }
//! fanjet_log::contract_tests!(open);
//! ```
//!
//! New and emptied logs, logs of raw frames, and the lease, have suites of their own:
//! [`lifecycle_contract_tests`](crate::lifecycle_contract_tests),
//! [`frame_contract_tests`](crate::frame_contract_tests),
//! [`lease_contract_tests`](crate::lease_contract_tests).
//!
//! Nothing here waits for a time: every wait is for a fact, with a deadline that fails the test.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a case fails by panicking, as tests do"
)]

mod samples;

mod lifecycle;
mod append;
mod bookmarks;
mod fencing;
mod follow;
mod lease;
mod model;
mod cluster_state;
mod frames;
mod labels;
mod read;
mod retention;
mod seek;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::{EventLog, Seq};

pub use samples::{event, events, sized_event, time_of, whole};

pub use append::*;
pub use bookmarks::*;
pub use cluster_state::*;
pub use fencing::*;
pub use follow::*;
pub use frames::*;
pub use labels::*;
pub use lease::*;
pub use lifecycle::*;
pub use model::*;
pub use read::*;
pub use retention::*;
pub use seek::*;

/// How long a case waits for a fact before it fails.
const DEADLINE: Duration = Duration::from_secs(30);

/// Deletes everything up to and including a seq, as the backend's own retention does, and returns when that is done.
pub type Expire = Box<dyn Fn(Seq) -> BoxFuture<'static, ()> + Send + Sync>;

/// An empty log for one case.
pub struct Opened {
    /// The log.
    pub log: Arc<dyn EventLog>,
    /// Makes entries expire. Without it the retention cases report that they were skipped, and pass.
    pub expire: Option<Expire>,
    /// Anything that must live as long as the log: a server, a folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl Opened {
    /// A log that cannot expire entries and needs nothing else.
    pub fn new(log: impl EventLog) -> Self {
        Self {
            log: Arc::new(log),
            expire: None,
            keep: Box::new(()),
        }
    }
}

/// Waits for `fact`.
async fn within<T>(what: &str, fact: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, fact).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: nothing after {DEADLINE:?}"),
    }
}

/// As [`contract_tests`](crate::contract_tests), for a log of raw frames.
#[macro_export]
macro_rules! frame_contract_tests {
    ($open:expr) => {
        $crate::contract_tests! { @each $open;
            frames_are_read_as_written,
            frames_are_followed,
            the_largest_frame_is_kept_and_no_larger_one,
            writers_of_frames_are_fenced,
            retention_of_frames_keeps_numbering,
        }
    };
}

/// As [`contract_tests`](crate::contract_tests), for a log of labels.
#[macro_export]
macro_rules! labels_contract_tests {
    ($open:expr) => {
        $crate::contract_tests! { @each $open;
            labels_are_read_as_written,
            labels_are_followed,
            the_last_frame_of_each_labeler_is_found,
        }
    };
}

/// Generates one test per case of the contract. Takes the name of a function `async fn() -> Opened`, or such a closure.
/// The crate needs tokio with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! contract_tests {
    ($open:expr) => {
        $crate::contract_tests! { @each $open;
            an_empty_log_has_no_bounds_no_last_and_no_entries,
            append_numbers_from_one_and_last_sees_it,
            every_topic_and_origin_is_read_as_written,
            ten_thousand_events_are_pipelined_in_order,
            an_empty_append_and_a_flush_of_nothing_do_nothing,
            a_large_body_is_kept,
            a_body_over_the_limit_is_refused_with_all_behind_it,
            a_reader_sees_what_a_flush_acknowledged,
            of_two_appenders_at_one_place_one_is_fenced,
            a_fenced_pipeline_stores_nothing_more,
            racing_pipelines_leave_one_unbroken_history_each,
            a_stale_and_a_premature_appender_are_fenced,
            a_finished_appender_stays_finished,
            after_an_error_a_new_appender_continues_from_last,
            pages_respect_their_limits,
            the_first_entry_of_a_page_may_exceed_the_bytes,
            pages_join_without_gap_or_overlap,
            selections_read_exactly_what_they_match,
            a_selection_without_a_match_still_reaches_the_end,
            reading_beyond_the_end_is_empty,
            follow_starts_at_the_beginning_the_middle_and_the_future,
            follow_sees_live_appends_in_order,
            follow_with_a_selection_sees_only_its_matches,
            many_followers_see_the_same,
            an_idle_follow_is_alive,
            a_dropped_follow_affects_no_other_reader,
            seq_at_finds_every_place,
            seq_at_agrees_with_a_linear_search,
            retention_moves_first_and_keeps_numbering,
            a_log_that_forgot_everything_remembers_its_last_seq,
            random_histories_match_a_vec,
        }
    };
    (@each $open:expr; $($case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::contract::$case($open).await;
            }
        )*
    };
}
