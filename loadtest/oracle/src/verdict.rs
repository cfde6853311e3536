//! What a stream, a log, or many of them are worth.

use std::fmt;

/// So many complaints are kept in full.
const COMPLAINTS: usize = 5;

/// Counts, and the first things that are wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Events that came.
    pub events: u64,
    /// Expected, but did not come.
    pub missing: u64,
    /// Came more than once.
    pub repeated: u64,
    /// Came behind an event that they stand before, or with a time that does not rise.
    pub reordered: u64,
    /// Not as they are expected, or not asked for.
    pub differ: u64,
    /// Connections that ended without having been asked to.
    pub broken: u64,
    /// The first things that are wrong.
    pub complaints: Vec<String>,
}

impl Verdict {
    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.events += other.events;
        self.missing += other.missing;
        self.repeated += other.repeated;
        self.reordered += other.reordered;
        self.differ += other.differ;
        self.broken += other.broken;
        let room = COMPLAINTS.saturating_sub(self.complaints.len());
        self.complaints
            .extend(other.complaints.into_iter().take(room));
    }

    /// Notes something that is wrong.
    pub fn object(&mut self, complaint: impl FnOnce() -> String) {
        if self.complaints.len() < COMPLAINTS {
            self.complaints.push(complaint());
        }
    }

    /// The first thing that is wrong.
    pub fn first(&self) -> Option<&str> {
        self.complaints.first().map(String::as_str)
    }

    /// How many events are wrong.
    pub fn faults(&self) -> u64 {
        self.missing + self.repeated + self.reordered + self.differ
    }

    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.faults() + self.broken == 0 && self.complaints.is_empty()
    }
}

impl fmt::Display for Verdict {
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
