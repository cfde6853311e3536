//! Identifies the logs that a node has followed.

/// Counts the logs from 0. Positions of one log mean nothing in another, so code that keeps positions across an `await` keeps
/// the generation with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Generation(u64);

impl Generation {
    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
