//! What a run looks like. Its seed decides everything; a plan that was shrunk leaves out some of it.

use std::fmt::{self, Display, Formatter};

use crate::faults::{KINDS, Kind};

/// Clients of a whole run.
const CLIENTS: usize = 12;
/// Faults of a whole run.
const FAULTS: usize = 40;

/// What a run looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Decides everything else.
    pub seed: u64,
    /// The clients that connect.
    pub clients: Vec<usize>,
    /// The faults that are injected, ascending. A run ends after the last one.
    pub faults: Vec<usize>,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        Self {
            seed,
            clients: (0..CLIENTS).collect(),
            faults: (0..FAULTS).collect(),
        }
    }

    /// All clients of the seed, whether they connect or not.
    pub(crate) fn all_clients() -> std::ops::Range<usize> {
        0..CLIENTS
    }

    /// The kinds of faults to choose from.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        // Events of another numbering are recognized by those in the log. Where the log has none, an old event that has
        // no revision may come again, and nothing can be done about it: these faults have runs of their own.
        let keeps_log = self.seed.is_multiple_of(2);
        let is_possible = |kind: &Kind| match kind {
            Kind::RelayDown | Kind::RelayRecreated => keeps_log,
            Kind::Expiry | Kind::Purge | Kind::LogRecreated => !keeps_log,
            _ => true,
        };
        KINDS.into_iter().filter(is_possible).collect()
    }
}

/// The command that runs it.
impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let whole = Self::of(self.seed);
        write!(f, "cargo xtask simulate --from {} --seeds 1", self.seed)?;
        let parts = [
            ("clients", &self.clients, &whole.clients),
            ("faults", &self.faults, &whole.faults),
        ];
        for (name, kept, all) in parts {
            if kept != all {
                let kept: Vec<_> = kept.iter().map(usize::to_string).collect();
                write!(f, " --{name}={}", kept.join(","))?;
            }
        }
        Ok(())
    }
}
