//! What is remembered under one key. Pure; time is an argument, and must be monotonic.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::rate::{Rate, Taken};

/// What is known.
#[derive(Debug, Clone)]
pub enum Answered<T> {
    /// This.
    Found(Arc<T>),
    /// That there is none.
    Nothing,
    /// Nothing: nobody was asked, or nobody has answered.
    Unknown,
}

impl<T> Answered<T> {
    /// What was found, if anything was.
    pub fn found(&self) -> Option<&T> {
        match self {
            Self::Found(found) => Some(found),
            Self::Nothing | Self::Unknown => None,
        }
    }
}

/// What is known, and how well.
#[derive(Debug, Clone)]
pub struct Remembered<T> {
    /// The newest answer.
    pub answer: Answered<T>,
    /// When it came, if there was one.
    pub at: Option<Instant>,
    /// Whether it is older than what has happened since.
    pub is_doubted: bool,
    /// Whether it is to be looked up again, for whatever reason.
    pub is_stale: bool,
}

impl<T> Remembered<T> {
    /// Nobody was ever asked.
    pub(crate) fn nothing() -> Self {
        Self {
            answer: Answered::Unknown,
            at: None,
            is_doubted: false,
            is_stale: false,
        }
    }
}

/// The memory of one key.
#[derive(Debug)]
pub(crate) struct Memory<T> {
    answer: Answered<T>,
    at: Option<Instant>,
    /// From then on it is looked up again.
    until: Instant,
    /// Something has happened that may have made it wrong, or nobody has answered when it was looked up again.
    is_doubted: bool,
    /// Look-ups: what is sent under the key must not make us ask all the time.
    taken: Taken,
}

/// A look-up that has ended.
#[derive(Debug)]
pub(crate) struct Learned<T> {
    /// `None`: nobody has answered.
    pub(crate) answer: Option<Answered<T>>,
    /// For how long that counts.
    pub(crate) time_to_live: Duration,
    /// Whether something has happened since it began.
    pub(crate) is_late: bool,
}

impl<T: Clone> Memory<T> {
    /// What is remembered after a look-up, in the place of what was before.
    pub(crate) fn after(
        before: Option<&Self>,
        learned: Learned<T>,
        rate: Rate,
        now: Instant,
    ) -> Self {
        let Learned {
            answer,
            time_to_live,
            is_late,
        } = learned;
        let mut taken = before.map(|before| before.taken).unwrap_or_default();
        rate.count(&mut taken, now);
        let soonest = now + rate.wait(taken, now);
        let usual = now + time_to_live.min(FOR_EVER);
        let until = match answer {
            _ if is_late => soonest.min(usual),
            Some(_) => usual,
            None => soonest.max(usual),
        };
        let (answer, at, is_doubted) = match (answer, before) {
            (Some(answer), _) => (answer, Some(now), is_late),
            // What was known before still is, but it was not looked up again.
            (None, Some(before)) => (before.answer.clone(), before.at, true),
            (None, None) => (Answered::Unknown, None, is_late),
        };
        Self {
            answer,
            at,
            until,
            is_doubted,
            taken,
        }
    }

    /// Something has happened that may have made it wrong: it is looked up again as soon as that is not too often.
    pub(crate) fn doubt(&mut self, rate: Rate, now: Instant) {
        self.is_doubted = true;
        self.until = self.until.min(now + rate.wait(self.taken, now));
    }

    /// Whether it is to be looked up again.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// Whether it may be looked up again.
    pub(crate) fn is_free(&self, rate: Rate, now: Instant) -> bool {
        rate.is_free(self.taken, now)
    }

    /// What is known by it.
    pub(crate) fn seen(&self, now: Instant) -> Remembered<T> {
        Remembered {
            answer: self.answer.clone(),
            at: self.at,
            is_doubted: self.is_doubted,
            is_stale: self.is_doubted || self.is_due(now),
        }
    }

    /// What was found, if anything was.
    pub(crate) fn found(&self) -> Option<&T> {
        self.answer.found()
    }
}

/// Longer than any process runs.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
