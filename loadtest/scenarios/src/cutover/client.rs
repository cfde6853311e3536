//! One client: it connects, reads, changes its filter, disconnects, and reconnects.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use fanjet_oracle::{Filter, Ledger, Verdict};
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::time::{Instant, sleep};

use super::plan::{Cursor, Plan};
use crate::load::{Pace, Reader, Until, Wish};

const POLL: Duration = Duration::from_millis(100);
/// How long a client that stays waits after the last event.
const EXTRA: Duration = Duration::from_secs(1);
/// The receive buffer of a slow reader, small enough that the edge notices.
const SLOW_BUFFER: u32 = 16 << 10;

/// What a client has done.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) verdict: Verdict,
    pub(super) connections: u64,
    /// Connections that started in the past and received an event newer than themselves.
    pub(super) cut_over: u64,
    pub(super) compressed: u64,
    pub(super) v2: u64,
    pub(super) slowed: u64,
    /// Connections that a busy edge put off, with the pause until the next attempt.
    pub(super) put_off: u64,
    /// Replaced filters, confirmed by an event that only one of the two matches.
    pub(super) replaced: u64,
}

impl Outcome {
    pub(super) fn add(&mut self, other: Self) {
        self.verdict.add(other.verdict);
        self.connections += other.connections;
        self.cut_over += other.cut_over;
        self.compressed += other.compressed;
        self.v2 += other.v2;
        self.slowed += other.slowed;
        self.put_off += other.put_off;
        self.replaced += other.replaced;
    }
}

/// Runs a plan, and its reconnects.
pub(super) async fn live(
    mut plan: Plan,
    urls: Arc<Vec<String>>,
    ledger: Arc<Ledger>,
    mut random: StdRng,
) -> Outcome {
    let mut all = Outcome::default();
    loop {
        let mut outcome = Outcome::default();
        let last = connection(&plan, &urls, &ledger, &mut outcome).await;
        let is_clean = outcome.verdict.is_clean() && last.is_ok();
        if let Err(error) = &last {
            outcome.verdict.broken += 1;
            outcome.verdict.object(|| format!("{error:#}"));
        }
        for complaint in &mut outcome.verdict.complaints {
            *complaint = format!("{plan:?}: {complaint}");
        }
        all.add(outcome);
        match last {
            Ok(Some(last)) if is_clean && plan.resumes && !plan.stays => {
                plan.cursor = Cursor::Time(last.time_us);
                plan.filter = last.filter;
                plan.updates.clear();
                plan.target = random.random_range(0..urls.len());
                plan.is_compressed = random.random();
                plan.life = plan.life.mul_f64(random.random());
                plan.slow = None;
                plan.resumes = random.random();
            }
            _ => return all,
        }
    }
}

/// Where a connection stopped.
struct Last {
    time_us: u64,
    filter: Filter,
}

async fn connection(
    plan: &Plan,
    urls: &[String],
    ledger: &Arc<Ledger>,
    outcome: &mut Outcome,
) -> Result<Option<Last>> {
    let mut connected_us = 0;
    let mut query = plan.cursor.query();
    let mut filter = plan.filter.clone();
    if plan.hello.is_some() {
        query.push_str("requireHello=true&");
        // Never took effect.
        filter.collections.push("com.example.decoy".to_owned());
    }
    let wish = Wish {
        url: &urls[plan.target],
        query,
        filter,
        is_compressed: plan.is_compressed,
        is_v2: plan.is_v2,
        receive_buffer: plan.slow.map(|_| SLOW_BUFFER),
    };
    let connecting = wish.connect(ledger, |now_us| {
        connected_us = now_us;
        plan.cursor.start(ledger, now_us)
    });
    let mut reader = connecting.await.context("connecting")?;
    outcome.connections += 1;
    outcome.compressed += u64::from(plan.is_compressed);
    outcome.v2 += u64::from(plan.is_v2);
    outcome.slowed += u64::from(plan.slow.is_some());
    outcome.put_off += u64::from(reader.refused());
    if let Some(wait) = plan.hello {
        sleep(wait).await;
        let start = plan.cursor.start(ledger, connected_us);
        reader.hello(plan.filter.clone(), start).await?;
    }
    let read = read(plan, ledger, &mut reader, outcome).await;
    if let Err(error) = &read {
        reader.broke(error);
    }
    let last_time = reader.last_time();
    let is_from_the_past = !matches!(plan.cursor, Cursor::Live { .. });
    outcome.cut_over += u64::from(is_from_the_past && last_time > connected_us);
    outcome.verdict.add(reader.verdict());
    if read.is_ok() {
        reader.close().await?;
    }
    let filter = plan.updates.last().map_or(&plan.filter, |(_, last)| last);
    Ok((last_time > 0).then(|| Last {
        time_us: last_time,
        filter: filter.clone(),
    }))
}

/// Reads for one life, up to the last event that existed at its end.
async fn read(
    plan: &Plan,
    ledger: &Ledger,
    reader: &mut Reader,
    outcome: &mut Outcome,
) -> Result<()> {
    let begin = Instant::now();
    let slow_until = plan.slow.map_or(Duration::ZERO, |(_, length)| length);
    if let Some((rate, _)) = plan.slow {
        reader.set_pace(Pace::Slow(rate));
    }
    let mut asked = 0;
    let mut moments: Vec<_> = plan
        .updates
        .iter()
        .map(|(at, it)| (*at, Some(it)))
        .collect();
    moments.extend([(slow_until, None), (plan.life, None)]);
    moments.sort_by_key(|(at, _)| *at);
    for (at, update) in moments {
        reader.read(Until::Time(begin + at)).await?;
        if at >= slow_until {
            reader.set_pace(Pace::Free);
        }
        // Two changes at once could not be distinguished.
        if let Some(filter) = update.filter(|_| !reader.is_changing()) {
            reader.replace_filter(filter.clone()).await?;
            asked += 1;
        }
    }
    if plan.stays {
        while !ledger.is_complete() || ledger.timed() < ledger.known() {
            reader.read(Until::Time(Instant::now() + POLL)).await?;
        }
    }
    reader.read(Until::Index(ledger.timed())).await?;
    if plan.stays {
        reader.read(Until::Time(Instant::now() + EXTRA)).await?;
    }
    outcome.replaced += asked - u64::from(reader.is_changing());
    Ok(())
}
