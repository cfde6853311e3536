//! Ingest in its own processes.

pub(crate) mod cluster;
mod process;
mod purged_log;
mod absurd_seqs;

#[path = "../../../ingest/tests/it/exactly_once.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of the library, which use more of it"
)]
mod exactly_once;
#[path = "../../../ingest/tests/it/harness.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of the library, which use more of it"
)]
mod harness;
