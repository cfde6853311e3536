//! When a fault is injected. Deterministic, with its own randomness, so that faults do not change the world.

use std::num::NonZeroU64;
use std::str::FromStr;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::FaultKind;

/// A fault and its trigger. On the command line: `bad-cid=every:100` or `bad-cid=0.01`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaultRule {
    /// The fault.
    pub kind: FaultKind,
    /// The trigger.
    pub trigger: FaultTrigger,
}

/// When a fault is injected. A frame that the fault does not fit, or that has another fault already, passes; the next
/// one that fits is used instead.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FaultTrigger {
    /// Once in every so many frames.
    Every(NonZeroU64),
    /// With this probability per frame.
    Probability(f64),
}

impl FromStr for FaultRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, trigger) = text
            .split_once('=')
            .ok_or("expected FAULT=every:N or FAULT=PROBABILITY")?;
        let trigger = match trigger.strip_prefix("every:") {
            Some(count) => FaultTrigger::Every(
                count
                    .parse()
                    .map_err(|_| format!("{count:?} is not a count of frames above 0"))?,
            ),
            None => FaultTrigger::Probability(
                trigger
                    .parse()
                    .ok()
                    .filter(|probability| (0.0..=1.0).contains(probability))
                    .ok_or_else(|| format!("{trigger:?} is not a probability from 0 to 1"))?,
            ),
        };
        Ok(Self {
            kind: kind.parse()?,
            trigger,
        })
    }
}

/// Decides frame by frame.
#[derive(Debug)]
pub(crate) struct FaultDice {
    rng: ChaCha8Rng,
    /// Each rule with its pending injections.
    rules: Vec<(FaultRule, u64)>,
    frames: u64,
}

impl FaultDice {
    pub(crate) fn new(seed: u64, rules: &[FaultRule]) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(1);
        Self {
            rng,
            rules: rules.iter().map(|rule| (*rule, 0)).collect(),
            frames: 0,
        }
    }

    /// The fault for the next frame, among those that fit it.
    pub(crate) fn roll(&mut self, fits: impl Fn(FaultKind) -> bool) -> Option<FaultKind> {
        self.frames += 1;
        for (rule, owed) in &mut self.rules {
            let strikes = match rule.trigger {
                FaultTrigger::Every(count) => self.frames.is_multiple_of(count.get()),
                FaultTrigger::Probability(probability) => self.rng.random_bool(probability),
            };
            *owed += u64::from(strikes);
        }
        let (rule, owed) = self
            .rules
            .iter_mut()
            .find(|(rule, owed)| *owed > 0 && fits(rule.kind))?;
        *owed -= 1;
        Some(rule.kind)
    }

    /// Randomness for the details of a fault.
    pub(crate) fn rng(&mut self) -> &mut ChaCha8Rng {
        &mut self.rng
    }
}
