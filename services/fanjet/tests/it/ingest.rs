//! Ingest in processes of its own.

mod cluster;
mod process;
mod purged;
mod absurd_seqs;

#[path = "../../../ingest/tests/it/once.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of the library, which use more of it"
)]
mod once;
#[path = "../../../ingest/tests/it/rig.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of the library, which use more of it"
)]
mod rig;
