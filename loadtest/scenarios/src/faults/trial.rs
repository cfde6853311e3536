//! One fault from its beginning to its end, held against its row: what programs and clients do while it lasts, and what follows.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::time::sleep;

use super::follower::{is_close, judge, replay};
use super::probe::{self, NOBODY};
use super::stage::{PATIENCE, POLL, Stage};
use super::table::{Afterwards, Fate, Row};
use crate::service::Service;

/// What came true must hold for so long.
const HOLD: Duration = Duration::from_secs(3);

/// So many frames come behind the end of a fault.
const BEHIND: u64 = 50;

/// No fault makes a program write more lines than these at once, and these every second.
const LINES: usize = 100;
const LINES_PER_SECOND: usize = 20;

/// How far a trial has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Well,
    Struck,
    Seen,
    Over,
}

/// One fault on programs of its own.
pub(super) struct Trial {
    row: Row,
    phase: Phase,
    pub(super) stage: Stage,
    /// When all was well: the metrics that must rise, and the lines that each program had said.
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
            stage: Stage::new().await?,
            metrics: Vec::new(),
            lines: Vec::new(),
            struck_at: Instant::now(),
            evidence: Vec::new(),
            restarts: 0,
        })
    }

    /// The fault is coming: what is measured from now on is its doing.
    pub(super) async fn strike(&mut self) -> Result<()> {
        let services = &self.stage.services;
        self.lines = services.iter().map(Service::line_count).collect();
        self.metrics = self.counted().await?;
        self.struck_at = Instant::now();
        self.phase = Phase::Struck;
        Ok(())
    }

    /// What shows that it struck, by somebody else's word than the programs'.
    pub(super) fn evidence(&mut self, words: impl Into<String>) {
        self.evidence.push(words.into());
    }

    /// Holds what programs and clients do while the fault lasts against the row.
    pub(super) async fn meanwhile(&mut self) -> Result<()> {
        ensure!(self.phase == Phase::Struck, "nothing has struck");
        ensure!(
            !self.evidence.is_empty(),
            "nothing shows that the fault struck"
        );
        let until = Instant::now() + PATIENCE;
        while let Err(otherwise) = self.is_as_told().await {
            ensure!(
                Instant::now() < until,
                "never as the row says: {otherwise:#}"
            );
            sleep(POLL).await;
        }
        let until = Instant::now() + HOLD;
        while Instant::now() < until {
            self.is_as_told().await.context("not for long")?;
            sleep(POLL).await;
        }
        let known = self.stage.follower()?.events();
        replay(&self.stage.edge()?, &known, &self.row.replaying, PATIENCE).await?;
        self.is_counted().await?;
        self.is_terse()?;
        self.live_client_is_as_told()?;
        self.phase = Phase::Seen;
        Ok(())
    }

    /// Holds what follows against the row, when the fault is gone.
    pub(super) async fn afterwards(&mut self) -> Result<()> {
        ensure!(self.phase == Phase::Seen, "nobody looked at the fault");
        self.phase = Phase::Over;
        ensure!(
            self.row.afterwards == Afterwards::NothingLost,
            "the row says that the fault never ends"
        );
        self.is_well().await.context("when the fault was gone")
    }

    async fn is_well(&self) -> Result<()> {
        self.stage.until_ready().await?;
        self.stage.frames(BEHIND).await?;
        self.stage.relay.pause();
        let expected = self.stage.relay.expected();
        let expected: Vec<_> = expected.iter().filter_map(|it| it.v1_json(0)).collect();
        let follower = self.stage.follower()?;
        follower.has(expected.len(), PATIENCE).await?;
        let events = follower.events();
        judge(&events, &expected).context("the live client")?;
        replay(&self.stage.edge()?, &events, &Fate::Served, PATIENCE).await?;
        self.stage.until_ready().await?;
        self.live_client_is_as_told()
    }

    /// Starts a program that was stopped.
    pub(super) fn start_again(&mut self, name: &str) -> Result<()> {
        self.restarts += 1;
        self.stage.service(name)?.restart()?;
        // It counts anew.
        self.metrics.fill(0.0);
        self.lines.fill(0);
        Ok(())
    }

    /// That the whole trial took place; how it was shown that the fault struck.
    pub(super) fn finish(&self) -> Result<String> {
        let last = match self.row.afterwards {
            Afterwards::AsBefore => Phase::Seen,
            Afterwards::NothingLost => Phase::Over,
        };
        ensure!(self.phase == last, "the trial ended at {:?}", self.phase);
        Ok(self.evidence.join("; "))
    }

    async fn is_as_told(&self) -> Result<()> {
        for service in &self.stage.services {
            let answer = probe::readiness(service).await?;
            let is_told = self.row.allows(&service.name, &answer)?;
            ensure!(is_told, "{} answers {answer:?}", service.name);
            if answer.status != NOBODY {
                probe::is_alive(&service.ops)
                    .await
                    .with_context(|| service.name.clone())?;
            }
        }
        Ok(())
    }

    /// Waits until the metrics have risen that the row names.
    async fn is_counted(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let now = self.counted().await?;
            let pairs = now.iter().zip(&self.metrics);
            let mut pairs = self.row.told_by.iter().zip(pairs);
            let Some((name, (now, _))) = pairs.find(|(_, (now, before))| now <= before) else {
                return Ok(());
            };
            ensure!(Instant::now() < until, "{name} does not rise above {now}");
            sleep(POLL).await;
        }
    }

    /// The metrics that the row names, of all programs together.
    async fn counted(&self) -> Result<Vec<f64>> {
        let mut values = Vec::new();
        for name in &self.row.told_by {
            let mut sum = 0.0;
            for service in &self.stage.services {
                sum += service.metric(name, "").await?;
            }
            values.push(sum);
        }
        Ok(values)
    }

    /// That no program has said too much.
    fn is_terse(&self) -> Result<()> {
        let seconds = self.struck_at.elapsed().as_secs() as usize + 1;
        for (service, before) in self.stage.services.iter().zip(&self.lines) {
            let said = service.line_count().saturating_sub(*before);
            ensure!(
                said <= LINES + LINES_PER_SECOND * seconds,
                "{} wrote {said} lines in {seconds} s",
                service.name
            );
        }
        Ok(())
    }

    /// That the live client was closed as the row says, and otherwise only by restarts.
    fn live_client_is_as_told(&self) -> Result<()> {
        let mut closes = self.stage.follower()?.closes();
        for _ in 0..self.restarts {
            if let Some(place) = closes.iter().position(|closed| closed.code == 1012) {
                closes.remove(place);
            }
        }
        let is_told = match &self.row.live {
            Fate::Served => closes.is_empty(),
            Fate::Closed { code, reason } => {
                let is_it = |closed: &_| is_close(closed, *code, reason);
                !closes.is_empty() && closes.iter().all(is_it)
            }
            Fate::Refused { .. } => bail!("a client that is connected cannot be refused"),
        };
        ensure!(is_told, "the live client was closed: {closes:?}");
        Ok(())
    }
}
