//! The seeded world: accounts that act, and the frames that a relay would send.
//!
//! Invariants: equal configurations give equal bytes; every frame without a fault passes a strict Sync 1.1 verifier
//! (signature, record proofs, chain of `since` and `prevData`, inversion of the operations); the wall clock is never
//! read; memory is bounded, because a repo that has grown too large starts over with a `#sync`.

// The world's parts.
mod clock;
mod zipf;
mod collections;
pub(crate) mod keys;

pub(crate) mod cbor;
mod value;
mod text;

// A repo, and its signed commits.
mod commit;
mod mst;
mod repo;

mod accounts;

// Record contents.
mod records;

// Frames, and their expected events.
mod car;
pub(crate) mod frame;
mod json;
mod produced;
mod draft;

mod population;
mod record_mix;

use std::collections::VecDeque;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::faults::FaultDice;
use crate::{Directory, FaultKind, SimulatorError, WorldConfig};
use accounts::Accounts;
use clock::Clock;
use collections::Collections;
use draft::Draft;
use population::Population;
pub use produced::ProducedFrame;
use records::RecentPosts;

/// The world.
#[derive(Debug)]
pub struct World {
    population: Population,
    faults: FaultDice,
    last_seq: u64,
    seq_holes: f64,
    /// Frames that were generated early and go out first.
    pending: VecDeque<ProducedFrame>,
}

impl World {
    /// Builds a world: keys, DIDs and the repos' first records.
    ///
    /// # Errors
    /// [`SimulatorError::Config`] when there is no account or the clock would start before 2001.
    pub fn new(config: &WorldConfig) -> Result<Self, SimulatorError> {
        check(config)?;
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let directory = Directory::default();
        let population = Population {
            collections: Collections::generate(config.foreign_collections, &mut rng)?,
            accounts: Accounts::generate(config, &mut rng, &directory)?,
            rng,
            clock: Clock::new(config.start_us, config.step_us),
            posts: RecentPosts::default(),
            directory,
            multi_op_commits: config.multi_op_commits,
        };
        Ok(Self {
            population,
            faults: FaultDice::new(config.seed, &config.faults),
            last_seq: config.seq_base,
            seq_holes: config.seq_holes,
            pending: VecDeque::new(),
        })
    }

    /// The DID documents of this world's accounts.
    pub fn directory(&self) -> &Directory {
        &self.population.directory
    }

    /// Generates the next frame.
    pub fn next_frame(&mut self) -> ProducedFrame {
        if let Some(frame) = self.pending.pop_front() {
            return frame;
        }
        let mut draft = self.draft();
        let fault = self.faults.roll(|kind| draft.can_have(kind));
        match fault {
            Some(FaultKind::Garbage) => {
                let garbage = self.garbage();
                let good = draft.finish(self.next_seq());
                self.pending.push_back(good);
                garbage
            }
            Some(FaultKind::UnknownType) => {
                let unknown = self.unknown(&draft);
                let good = draft.finish(self.next_seq());
                self.pending.push_back(good);
                unknown
            }
            Some(FaultKind::Duplicate) => {
                let good = draft.finish(self.next_seq());
                self.pending.push_back(ProducedFrame {
                    expected: Vec::new(),
                    fault,
                    ..good.clone()
                });
                good
            }
            Some(FaultKind::SeqGap) => {
                self.next_seq();
                draft = self.draft();
                ProducedFrame {
                    fault,
                    ..draft.finish(self.next_seq())
                }
            }
            Some(kind) if !kind.is_of_connection() => {
                let seq = self.next_seq();
                draft.finish_damaged(seq, kind, self.faults.rng())
            }
            // Nothing, or a fault of the connection.
            _ => ProducedFrame {
                fault,
                ..draft.finish(self.next_seq())
            },
        }
    }

    fn draft(&mut self) -> Draft {
        let population = &mut self.population;
        population.clock.advance(&mut population.rng);
        record_mix::next(population)
    }

    fn next_seq(&mut self) -> u64 {
        self.last_seq += 1;
        let rng = &mut self.population.rng;
        if rng.random_bool(self.seq_holes) {
            self.last_seq += rng.random_range(1..=3);
        }
        self.last_seq
    }

    /// Bytes that no decoder accepts as a frame: 0xff is a CBOR break, which cannot start an item.
    fn garbage(&mut self) -> ProducedFrame {
        let rng = self.faults.rng();
        let mut bytes = vec![0xff; rng.random_range(1..600)];
        rand::Rng::fill_bytes(rng, &mut bytes[1..]);
        ProducedFrame {
            seq: self.last_seq,
            bytes: bytes.into(),
            expected: Vec::new(),
            fault: Some(FaultKind::Garbage),
            drops: 1,
        }
    }

    fn unknown(&mut self, good: &Draft) -> ProducedFrame {
        let seq = self.next_seq();
        ProducedFrame {
            seq,
            bytes: frame::unknown(seq, good.did.as_str(), &good.time),
            expected: Vec::new(),
            fault: Some(FaultKind::UnknownType),
            drops: 1,
        }
    }
}

fn check(config: &WorldConfig) -> Result<(), SimulatorError> {
    let wrong = |reason: &str| Err(SimulatorError::Config(reason.to_owned()));
    if config.accounts == 0 {
        return wrong("a world needs at least one account");
    }
    if !(1_000_000_000_000_000..1 << 52).contains(&config.start_us) {
        return wrong("the simulated clock must start between 2001 and 2112");
    }
    for probability in [config.seq_holes, config.multi_op_commits] {
        if !(0.0..=1.0).contains(&probability) {
            return wrong("shares and probabilities must be between 0 and 1");
        }
    }
    Ok(())
}
