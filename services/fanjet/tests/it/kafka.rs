//! Kafka producers in their own processes, if the build has a Kafka client.

mod process;
mod beside_serve;
mod least_privilege;
mod kills;

#[path = "../../../kafka/tests/it/comparison.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of the library, which use more of it"
)]
mod comparison;
#[path = "../../../kafka/tests/it/harness.rs"]
#[allow(
    dead_code,
    reason = "shared with the tests of the library, which use more of it"
)]
mod harness;
