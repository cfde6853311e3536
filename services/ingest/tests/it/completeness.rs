//! Valid frames become exactly their events.

use std::sync::Arc;

use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;

use crate::harness::{Running, assert_log_equals_world, simulator, wait_for_last};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_the_world_arrives_once_in_order_byte_for_byte() {
    for seed in 1..=3 {
        let frames = 3_000;
        let simulator = simulator(seed, frames, &[]).await;
        let log = Arc::new(MemoryLog::new());
        let running = Running::start(&simulator.url(), &log);
        assert_log_equals_world(&*log, &simulator, frames, seed).await;
        running.stop().await.unwrap();
        simulator.shutdown().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_appends_what_was_read_and_a_restart_continues_after_it() {
    let (seed, frames) = (4, 3_000);
    let simulator = simulator(seed, frames, &[]).await;
    let log = Arc::new(MemoryLog::new());
    // Each run stops at an arbitrary point after its first append: with an empty log the next run would start at the live
    // end.
    for _ in 0..5 {
        let held = log.bounds().await.unwrap().last;
        let running = Running::start(&simulator.url(), &log);
        wait_for_last(&*log, held + 1, seed).await;
        running.stop().await.unwrap();
    }
    let running = Running::start(&simulator.url(), &log);
    assert_log_equals_world(&*log, &simulator, frames, seed).await;
    running.stop().await.unwrap();
}
