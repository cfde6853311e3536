//! Asserts that each operation is logged exactly once and in order, whatever numbers an upstream uses.

use fanjet_log::contract::whole;
use fanjet_log::memory::MemoryLog;
use fanjet_log::{Entry, EventLog};
use fanjet_simulator::{ExpectedEvent, SimulatorHandle};
use fanjet_wire::envelope::Subject;

use super::harness::wait_for_last;

/// Waits until the log contains everything that the host published. Each operation must occur once, in order, under any seq.
pub(crate) async fn assert_exactly_once(log: &MemoryLog, host: &SimulatorHandle, seed: u64) {
    assert_exactly_once_after(0, log, host, seed).await;
}

/// The same in a log that was empty and ended at `base`.
pub(crate) async fn assert_exactly_once_after(
    base: u64,
    log: &dyn EventLog,
    host: &SimulatorHandle,
    seed: u64,
) {
    // A host that was just paused may still publish a few frames.
    let (entries, expected) = loop {
        let expected = host.expected();
        wait_for_last(log, base + expected.len() as u64, seed).await;
        let entries = whole(log).await;
        if host.expected().len() == expected.len() {
            break (entries, expected);
        }
    };
    for (entry, expected) in entries.iter().zip(&expected) {
        assert_eq!(
            of_entry(entry),
            of_expected(expected),
            "seed {seed}, seq {}: {:?}",
            entry.seq,
            entry.origin
        );
    }
    assert_eq!(entries.len(), expected.len(), "seed {seed}");
}

/// Identifies an operation without its numbers.
fn of_entry(entry: &Entry) -> (String, u32, String) {
    let subject = Subject::of(&entry.body).unwrap();
    let time = entry.origin.time.as_str().to_owned();
    (subject.did.to_owned(), entry.origin.op_index, time)
}

fn of_expected(event: &ExpectedEvent) -> (String, u32, String) {
    let time = event.time.clone();
    (event.did.as_str().to_owned(), event.op_index, time)
}
