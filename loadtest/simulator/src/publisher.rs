//! From the source to the history, at the configured rate.

mod outputs;
mod producer;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::history::History;
use crate::mute::Mute;
use crate::{ProducedFrame, Rate, SimulatorError};
pub(crate) use outputs::Outputs;
pub(crate) use producer::{Producer, Stream};

/// Slice length: short enough that a rate is even, long enough that wake-ups cost little.
const SLICE: Duration = Duration::from_millis(5);
/// A source that cannot keep up owes at most this much; more is dropped, not sent as a burst.
const MAX_DEBT: Duration = Duration::from_millis(100);
/// Frames published at once without a rate.
const BATCH: usize = 256;

/// Takes frames from the producer and publishes them.
pub(crate) struct Publisher {
    pub(crate) frames: mpsc::Receiver<ProducedFrame>,
    pub(crate) history: Arc<History>,
    pub(crate) outputs: Outputs,
    pub(crate) mute: Arc<Mute>,
    pub(crate) rate: Rate,
    pub(crate) pace: watch::Sender<Pace>,
}

/// Whether frames are published when they are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    pub(crate) is_paused: bool,
    /// How many frames are requested although it is paused.
    pub(crate) wanted: u64,
}

impl Publisher {
    /// Publishes frames without a rate; fewer if there are no more.
    pub(crate) async fn backlog(&mut self, frames: u64) -> Result<(), SimulatorError> {
        let mut left = usize::try_from(frames).unwrap_or(usize::MAX);
        let mut batch = Vec::with_capacity(BATCH);
        while left > 0 {
            let got = self.frames.recv_many(&mut batch, left.min(BATCH)).await;
            if got == 0 {
                break;
            }
            left -= got;
            self.publish(&mut batch)?;
        }
        Ok(())
    }

    /// Publishes until the source ends.
    pub(crate) async fn run(&mut self) -> Result<(), SimulatorError> {
        match self.rate {
            Rate::Max => self.run_at_full_speed().await,
            Rate::PerSecond(rate) => self.run_at(rate).await,
        }
    }

    /// Closes the outputs.
    pub(crate) fn finish(self) -> Result<(), SimulatorError> {
        self.outputs.finish()
    }

    async fn run_at_full_speed(&mut self) -> Result<(), SimulatorError> {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            self.wait_while_paused().await?;
            if self.frames.recv_many(&mut batch, BATCH).await == 0 {
                return Ok(());
            }
            self.publish(&mut batch)?;
        }
    }

    async fn run_at(&mut self, rate: f64) -> Result<(), SimulatorError> {
        let mut ticks = interval(SLICE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        let mut owed = 0.0;
        let mut last = Instant::now();
        loop {
            ticks.tick().await;
            if self.wait_while_paused().await? {
                last = Instant::now();
            }
            let now = Instant::now();
            owed += rate * (now - last).min(MAX_DEBT).as_secs_f64();
            last = now;
            while owed >= 1.0 {
                match self.frames.recv().await {
                    Some(frame) => batch.push(frame),
                    None => return self.publish(&mut batch),
                }
                owed -= 1.0;
            }
            self.publish(&mut batch)?;
        }
    }

    /// Whether there was a pause. Requested frames are published at once meanwhile.
    async fn wait_while_paused(&mut self) -> Result<bool, SimulatorError> {
        let mut changes = self.pace.subscribe();
        let mut was_paused = false;
        loop {
            let Pace { is_paused, wanted } = *changes.borrow_and_update();
            if wanted > 0 {
                self.backlog(wanted).await?;
                self.pace.send_modify(|pace| pace.wanted -= wanted);
            } else if is_paused {
                was_paused = true;
                // The sender is owned here: the wait ends only with a change.
                let _changed = changes.changed().await;
            } else {
                return Ok(was_paused);
            }
        }
    }

    fn publish(&mut self, batch: &mut Vec<ProducedFrame>) -> Result<(), SimulatorError> {
        self.mute.apply(batch);
        if batch.is_empty() {
            return Ok(());
        }
        self.outputs.write(batch)?;
        self.history.append(batch.drain(..));
        Ok(())
    }
}
