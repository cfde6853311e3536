//! Relays that restart their sequence many times in a row, at random.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::EventLog;
use fanjet_log::memory::MemoryLog;
use fanjet_simulator::{CursorHabit, SimulatorHandle};

use crate::exactly_once::assert_exactly_once;
use crate::harness::{Running, host};

/// A relay changes its seqs repeatedly: while it is read, while it is down, and while ingest is down.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_restarts_its_sequence_repeatedly_hides_and_repeats_no_event() {
    for seed in 850..854 {
        let mut dice = Dice(seed);
        let all = [CursorHabit::Spec, CursorHabit::Relay, CursorHabit::Rainbow];
        let host = host(seed, all[dice.below(3) as usize]).await;
        let (log, positions) = (Arc::new(MemoryLog::new()), Arc::default());
        let mut running = Running::start_recording(&host, &log, &positions);
        running.wait_for_role("leader").await;
        host.publish(5 + dice.below(20)).await;
        let mut steps = String::new();
        for _ in 0..8 {
            let last = host.stats().last_seq;
            let (base, repeated) = match dice.below(7) {
                0 => (0, 0),
                1 => (dice.below(50), 0),
                2 => (last.saturating_sub(1 + dice.below(40)), 0),
                3 => (last + 20_000 + dice.below(1 << 40), dice.below(20) as usize),
                4 => (last / 2, dice.below(20) as usize),
                5 => (last + 1 + dice.below(9_000), 1 + dice.below(20) as usize),
                _ => (last, 0),
            };
            let base = base.min(1 << 60);
            let is_read = dice.below(3) > 0;
            steps += &format!("{last} -> {base} repeating {repeated}, ");
            if is_read {
                catches_up(&log, &host, seed, &steps).await;
            }
            let is_small = base > last && base <= last + 10_000;
            match dice.below(4) {
                0 if !is_small => {
                    steps += "while it is read; ";
                    catches_up(&log, &host, seed, &steps).await;
                    change(&host, last, base, repeated);
                }
                1 if !is_small => {
                    steps += "while it is cut off; ";
                    if base != last {
                        catches_up(&log, &host, seed, &steps).await;
                    }
                    host.disconnect_all();
                    change(&host, last, base, repeated);
                }
                2 => {
                    steps += "while it is away; ";
                    if base != last {
                        catches_up(&log, &host, seed, &steps).await;
                    }
                    host.go_down();
                    host.wait_for_clients(0).await;
                    change(&host, last, base, repeated);
                    host.publish(dice.below(60)).await;
                    host.go_up();
                }
                _ => {
                    steps += "while ingest is away; ";
                    if base != last {
                        catches_up(&log, &host, seed, &steps).await;
                    }
                    running.stop().await.unwrap();
                    change(&host, last, base, repeated);
                    host.publish(dice.below(60)).await;
                    running = Running::start_recording(&host, &log, &positions);
                }
            }
            host.publish(1 + dice.below(12)).await;
        }
        catches_up(&log, &host, seed, &steps).await;
        assert_exactly_once(&log, &host, seed).await;
        running.stop().await.unwrap();
    }
}

fn change(host: &SimulatorHandle, last: u64, base: u64, repeated: usize) {
    if base != last {
        host.renumber(base, repeated);
    }
}

/// Waits until the log holds everything that was published. Only a new frame shows that a relay restarted its sequence, so
/// the relay publishes one now and then.
async fn catches_up(log: &MemoryLog, host: &SimulatorHandle, seed: u64, steps: &str) {
    for _ in 0..30 {
        for _ in 0..100 {
            if log.bounds().await.unwrap().last >= host.expected().len() as u64 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        host.publish(1).await;
    }
    let (bounds, expected) = (log.bounds().await, host.expected().len());
    panic!("seed {seed}: {steps}: {bounds:?}, should reach {expected}");
}

/// Pseudo-random numbers from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}
