//! What all streams together are worth.

use std::fmt;

/// Counts over any number of streams.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Events received.
    pub(crate) events: u64,
    pub(crate) missing: u64,
    pub(crate) repeated: u64,
    pub(crate) reordered: u64,
    /// Not as the oracle has them, or not asked for.
    pub(crate) differ: u64,
    /// Connections that ended without having been asked to.
    pub(crate) broken: u64,
    /// The first thing that is wrong.
    pub(crate) first: Option<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.events += other.events;
        self.missing += other.missing;
        self.repeated += other.repeated;
        self.reordered += other.reordered;
        self.differ += other.differ;
        self.broken += other.broken;
        if self.first.is_none() {
            self.first = other.first;
        }
    }

    pub(crate) fn object(&mut self, complaint: impl FnOnce() -> String) {
        self.first.get_or_insert_with(complaint);
    }

    pub(crate) fn is_clean(&self) -> bool {
        let faults = self.missing + self.repeated + self.reordered + self.differ + self.broken;
        faults == 0 && self.first.is_none()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} events, {} missing, {} repeated, {} reordered, {} differ",
            self.events, self.missing, self.repeated, self.reordered, self.differ
        )?;
        match self.broken {
            0 => Ok(()),
            broken => write!(f, ", {broken} connections broken"),
        }
    }
}
