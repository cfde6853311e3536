//! The result of checking a stream, a log, or several of them.

use std::fmt;

/// How many complaints are kept in full.
const COMPLAINTS: usize = 5;

/// Counts, and the first complaints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Events that arrived.
    pub events: u64,
    /// Expected, but did not arrive.
    pub missing: u64,
    /// Arrived more than once.
    pub repeated: u64,
    /// Arrived too late, or with a time that does not rise.
    pub reordered: u64,
    /// Different from what is expected, or not matching the filter.
    pub differ: u64,
    /// Connections that ended unexpectedly.
    pub broken: u64,
    /// The first complaints.
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

    /// Adds a complaint.
    pub fn object(&mut self, complaint: impl FnOnce() -> String) {
        if self.complaints.len() < COMPLAINTS {
            self.complaints.push(complaint());
        }
    }

    /// The first complaint.
    pub fn first(&self) -> Option<&str> {
        self.complaints.first().map(String::as_str)
    }

    /// The number of wrong events.
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
