//! One fault from start to end, compared with its row: the behavior of programs and clients during and after it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::time::sleep;

use super::follower::{is_close, judge, replay};
use super::probe::{self, NO_LISTENER};
use super::table::{Afterwards, Fate, Row};
use super::testbed::{PATIENCE, POLL, Testbed};
use crate::service::Service;

/// How long the expected behavior must last.
const HOLD: Duration = Duration::from_secs(3);

/// Frames after the end of a fault.
const BEHIND: u64 = 50;

/// No fault makes a program log more than this burst, and this rate.
const LINES: usize = 100;
const LINES_PER_SECOND: usize = 20;

/// The phase of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Well,
    Injected,
    Seen,
    Over,
}

/// One fault on its own programs.
pub(super) struct Trial {
    row: Row,
    phase: Phase,
    pub(super) testbed: Testbed,
    /// The baseline: metrics that must rise, and the number of each program's log lines.
    metrics: Vec<f64>,
    lines: Vec<usize>,
    struck_at: Instant,
    evidence: Vec<String>,
    restarts: usize,
}

impl Trial {
    pub(super) async fn new(row: Row) -> Result<Self> {
        Ok(Self {
            row,
            phase: Phase::Well,
            testbed: Testbed::new().await?,
            metrics: Vec::new(),
            lines: Vec::new(),
            struck_at: Instant::now(),
            evidence: Vec::new(),
            restarts: 0,
        })
    }

    /// The fault starts: later changes are its effects.
    pub(super) async fn inject(&mut self) -> Result<()> {
        let services = &self.testbed.services;
        self.lines = services.iter().map(Service::line_count).collect();
        self.metrics = self.counted().await?;
        self.struck_at = Instant::now();
        self.phase = Phase::Injected;
        Ok(())
    }

    /// Independent evidence that the fault took effect.
    pub(super) fn evidence(&mut self, words: impl Into<String>) {
        self.evidence.push(words.into());
    }

    /// A reader of the log from its start gets what is known.
    pub(super) async fn replay(&self, known: &[String]) -> Result<()> {
        replay(&self.testbed.edge()?, known, &Fate::Served, PATIENCE).await
    }

    /// Compares the behavior of programs and clients during the fault with the row.
    pub(super) async fn meanwhile(&mut self) -> Result<()> {
        ensure!(self.phase == Phase::Injected, "no fault was injected");
        ensure!(
            !self.evidence.is_empty(),
            "no evidence that the fault took effect"
        );
        let until = Instant::now() + PATIENCE;
        while let Err(otherwise) = self.is_as_promised().await {
            ensure!(
                Instant::now() < until,
                "never matched the row: {otherwise:#}"
            );
            sleep(POLL).await;
        }
        let until = Instant::now() + HOLD;
        while Instant::now() < until {
            self.is_as_promised().await.context("did not last")?;
            sleep(POLL).await;
        }
        let known = self.testbed.follower()?.events();
        replay(&self.testbed.edge()?, &known, &self.row.replaying, PATIENCE).await?;
        self.is_counted().await?;
        self.is_terse()?;
        self.live_client_is_as_promised()?;
        self.phase = Phase::Seen;
        Ok(())
    }

    /// Compares the behavior after the fault with the row.
    pub(super) async fn afterwards(&mut self) -> Result<()> {
        ensure!(
            self.phase == Phase::Seen,
            "the behavior during the fault was not checked"
        );
        self.phase = Phase::Over;
        ensure!(
            self.row.afterwards == Afterwards::NothingLost,
            "the fault is permanent according to its row"
        );
        self.is_well().await.context("after the fault")
    }

    async fn is_well(&self) -> Result<()> {
        self.testbed.until_ready().await?;
        self.testbed.frames(BEHIND).await?;
        self.testbed.relay.pause();
        let expected = self.testbed.relay.expected();
        let expected: Vec<_> = expected.iter().filter_map(|it| it.v1_json(0)).collect();
        let follower = self.testbed.follower()?;
        follower.has(expected.len(), PATIENCE).await?;
        let events = follower.events();
        judge(&events, &expected).context("the live client")?;
        replay(&self.testbed.edge()?, &events, &Fate::Served, PATIENCE).await?;
        self.testbed.until_ready().await?;
        self.live_client_is_as_promised()
    }

    /// Starts a program that was stopped.
    pub(super) fn start_again(&mut self, name: &str) -> Result<()> {
        self.restarts += 1;
        self.testbed.service(name)?.restart()?;
        // Its counters restarted from zero.
        self.metrics.fill(0.0);
        self.lines.fill(0);
        Ok(())
    }

    /// Checks that the trial is complete; returns the evidence.
    pub(super) fn finish(&self) -> Result<String> {
        let last = match self.row.afterwards {
            Afterwards::AsBefore => Phase::Seen,
            Afterwards::NothingLost => Phase::Over,
        };
        ensure!(self.phase == last, "the trial ended at {:?}", self.phase);
        Ok(self.evidence.join("; "))
    }

    async fn is_as_promised(&self) -> Result<()> {
        for service in &self.testbed.services {
            let answer = probe::readiness(service).await?;
            let is_allowed = self.row.allows(&service.name, &answer)?;
            ensure!(is_allowed, "{} responds {answer:?}", service.name);
            if answer.status != NO_LISTENER {
                probe::is_alive(&service.ops)
                    .await
                    .with_context(|| service.name.clone())?;
            }
        }
        Ok(())
    }

    /// Waits until the row's metrics have risen.
    async fn is_counted(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let now = self.counted().await?;
            let pairs = now.iter().zip(&self.metrics);
            let mut pairs = self.row.metrics.iter().zip(pairs);
            let Some((name, (now, _))) = pairs.find(|(_, (now, before))| now <= before) else {
                return Ok(());
            };
            ensure!(Instant::now() < until, "{name} does not rise above {now}");
            sleep(POLL).await;
        }
    }

    /// The row's metrics, summed over all programs.
    async fn counted(&self) -> Result<Vec<f64>> {
        let mut values = Vec::new();
        for name in &self.row.metrics {
            let mut sum = 0.0;
            for service in &self.testbed.services {
                sum += service.metric(name, "").await?;
            }
            values.push(sum);
        }
        Ok(values)
    }

    /// Checks that no program has logged too much.
    fn is_terse(&self) -> Result<()> {
        let seconds = self.struck_at.elapsed().as_secs() as usize + 1;
        for (service, before) in self.testbed.services.iter().zip(&self.lines) {
            let said = service.line_count().saturating_sub(*before);
            ensure!(
                said <= LINES + LINES_PER_SECOND * seconds,
                "{} wrote {said} lines in {seconds} s",
                service.name
            );
        }
        Ok(())
    }

    /// Checks that the live client was closed as the row promises, and otherwise only by restarts.
    fn live_client_is_as_promised(&self) -> Result<()> {
        let mut closes = self.testbed.follower()?.closes();
        for _ in 0..self.restarts {
            if let Some(place) = closes.iter().position(|closed| closed.code == 1012) {
                closes.remove(place);
            }
        }
        let is_promised = match &self.row.live {
            Fate::Served => closes.is_empty(),
            Fate::Closed { code, reason } => {
                let is_it = |closed: &_| is_close(closed, *code, reason);
                !closes.is_empty() && closes.iter().all(is_it)
            }
            Fate::Refused { .. } => bail!("a connected client cannot be rejected"),
        };
        ensure!(is_promised, "the live client was closed: {closes:?}");
        Ok(())
    }
}
