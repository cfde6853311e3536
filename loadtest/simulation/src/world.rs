//! What happens in the simulated network: one list of frames, made once and used by every run.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use fanjet_simulator::{ProducedFrame, World, WorldConfig};

use crate::event::Event;

/// Simulated time between frames, on average.
pub(crate) const STEP: Duration = Duration::from_millis(800);
/// The day on which the world starts, in Unix microseconds.
pub(crate) const START_US: u64 = 1_783_175_887_000_000;

/// The frames of a world as two relays number them, and the events in them.
#[derive(Debug, Clone)]
pub struct History {
    pub(crate) frames: [Arc<Vec<ProducedFrame>>; 2],
    /// The events of each frame.
    pub(crate) expected: Arc<Vec<Vec<Event>>>,
}

impl History {
    /// Makes this many frames.
    ///
    /// # Errors
    /// When the world cannot be built.
    pub fn new(frames: usize) -> Result<Self> {
        let make = |seq_base| -> Result<Vec<ProducedFrame>> {
            let mut world = World::new(&WorldConfig {
                seed: 7,
                accounts: 24,
                did_web_accounts: 1,
                records_per_repo: 6,
                foreign_collections: 8,
                start_us: START_US,
                step_us: u64::try_from(STEP.as_micros())?,
                seq_base,
                seq_holes: 0.0,
                multi_op_commits: 0.1,
                faults: Vec::new(),
            })?;
            Ok((0..frames).map(|_| world.next_frame()).collect())
        };
        let (first, second) = (make(30_000_000_000)?, make(5_000)?);
        let events = first.iter().map(|frame| {
            let expected = frame.expected.iter();
            expected.map(Event::expected).collect()
        });
        Ok(Self {
            expected: Arc::new(events.collect()),
            frames: [Arc::new(first), Arc::new(second)],
        })
    }
}
