//! Producing to Kafka from processes, where the build can.

mod process;
mod beside_serve;
mod least_privilege;
mod kills;

#[path = "../../../kafka/tests/it/judge.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of the library, which use more of it"
)]
mod judge;
#[path = "../../../kafka/tests/it/rig.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of the library, which use more of it"
)]
mod rig;
