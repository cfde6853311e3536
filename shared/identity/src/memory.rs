//! The cached state of one key. Pure; time is an argument, and must be monotonic.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::rate::{Rate, Taken};

/// A result.
#[derive(Debug, Clone)]
pub enum Answered<T> {
    /// This value.
    Found(Arc<T>),
    /// The value does not exist.
    Nothing,
    /// Unknown: no lookup so far, or none succeeded.
    Unknown,
}

impl<T> Answered<T> {
    /// The value, if there is one.
    pub fn found(&self) -> Option<&T> {
        match self {
            Self::Found(found) => Some(found),
            Self::Nothing | Self::Unknown => None,
        }
    }
}

/// A result and its quality.
#[derive(Debug, Clone)]
pub struct Remembered<T> {
    /// The newest result.
    pub answer: Answered<T>,
    /// When it arrived.
    pub at: Option<Instant>,
    /// Whether it is older than the newest event about the key.
    pub is_doubted: bool,
    /// Whether a new lookup is due, for any reason.
    pub is_stale: bool,
}

impl<T> Remembered<T> {
    /// The state of an unknown key.
    pub(crate) fn nothing() -> Self {
        Self {
            answer: Answered::Unknown,
            at: None,
            is_doubted: false,
            is_stale: false,
        }
    }
}

/// The cached state of one key.
#[derive(Debug)]
pub(crate) struct Memory<T> {
    answer: Answered<T>,
    at: Option<Instant>,
    /// A new lookup is due from then on.
    until: Instant,
    /// The result is doubtful: an event may have changed it, or the last refresh failed.
    is_doubted: bool,
    /// Rate of lookups: events about a key must not cause a lookup each.
    taken: Taken,
}

/// The result of a lookup.
#[derive(Debug)]
pub(crate) struct Learned<T> {
    /// `None`: no valid response.
    pub(crate) answer: Option<Answered<T>>,
    /// How long it is valid.
    pub(crate) time_to_live: Duration,
    /// Whether an event arrived after it started.
    pub(crate) is_late: bool,
}

impl<T: Clone> Memory<T> {
    /// The state after a lookup, given the state before.
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
            // The old result is still valid, but was not refreshed.
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

    /// Marks the result as doubtful: a new lookup is due as soon as the rate permits it.
    pub(crate) fn doubt(&mut self, rate: Rate, now: Instant) {
        self.is_doubted = true;
        self.until = self.until.min(now + rate.wait(self.taken, now));
    }

    /// Whether a new lookup is due.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// Whether the rate permits a new lookup.
    pub(crate) fn is_free(&self, rate: Rate, now: Instant) -> bool {
        rate.is_free(self.taken, now)
    }

    /// The result as of now.
    pub(crate) fn seen(&self, now: Instant) -> Remembered<T> {
        Remembered {
            answer: self.answer.clone(),
            at: self.at,
            is_doubted: self.is_doubted,
            is_stale: self.is_doubted || self.is_due(now),
        }
    }

    /// The value, if there is one.
    pub(crate) fn found(&self) -> Option<&T> {
        self.answer.found()
    }
}

/// Longer than any process runs.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
