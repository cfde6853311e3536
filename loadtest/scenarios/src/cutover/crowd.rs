//! All clients of one target.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanjet_oracle::fill;
use fanjet_runtime::{Clock, SystemClock};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use super::cases;
use super::client::{Outcome, live};
use super::plan::Plan;
use super::target::{Counted, Load, Target};
use crate::load::reference;

const POLL: Duration = Duration::from_millis(50);
/// How often each of the named cases runs.
const CASES: usize = 10;
/// How many events must exist before the first client connects.
const FIRST: usize = 2_000;
/// Clients connect while this part of the events is published.
const COMING: (f64, f64) = (0.03, 0.85);

/// The result of a target.
pub(super) struct Crowd {
    pub(super) clients: usize,
    pub(super) same_on_all: usize,
    pub(super) second_sockets: usize,
    pub(super) outcome: Outcome,
    pub(super) oracle_events: usize,
    pub(super) counted: Counted,
}

/// Runs all clients, and checks them.
pub(super) async fn crowd(target: Target, load: Load, clients: usize, seed: u64) -> Result<Crowd> {
    let ledger = target.published.ledger();
    let mut oracle_task = JoinSet::new();
    oracle_task.spawn(fill(Arc::clone(&ledger), load.frames));
    let mut references = JoinSet::new();
    references.spawn(reference(target.urls[0].clone(), Arc::clone(&ledger)));
    let started = Instant::now();
    while ledger.timed() < FIRST {
        if let Some(failed) = references.try_join_next() {
            failed??;
        }
        ensure!(started.elapsed() < load.duration(), "no events arrive");
        sleep(POLL).await;
    }

    ledger.set_first_seq(target.first_seq().await?);
    let urls = Arc::new(target.urls.clone());
    let mut random = StdRng::seed_from_u64(seed);
    let mut lives = JoinSet::new();
    for number in 0..clients + 3 * CASES {
        let share = random.random_range(COMING.0..COMING.1);
        let at = started + load.duration().mul_f64(share);
        let mut random = StdRng::seed_from_u64(random.random());
        let (urls, ledger) = (Arc::clone(&urls), Arc::clone(&ledger));
        lives.spawn(async move {
            sleep_until(at).await;
            match number.checked_sub(clients).map(|case| case % 3) {
                None => {
                    let now_us = SystemClock.now_us();
                    let plan = Plan::draw(&mut random, &ledger, urls.len(), now_us);
                    live(plan, urls, ledger, random).await
                }
                Some(0) => cases::same_on_all(urls, ledger, random).await,
                Some(case) => cases::second_socket(urls, ledger, random, case == 1).await,
            }
        });
    }
    let mut outcome = Outcome::default();
    while let Some(ended) = lives.join_next().await {
        outcome.add(ended?);
    }
    oracle_task.join_next().await.context("no ledger")???;
    let reference = references.join_next().await.context("no reference")??;
    outcome.verdict.add(reference?);
    let counted = target.counted().await?;
    target.stop().await?;
    Ok(Crowd {
        clients,
        same_on_all: CASES,
        second_sockets: 2 * CASES,
        outcome,
        oracle_events: ledger.known(),
        counted,
    })
}
