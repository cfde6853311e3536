//! Which of the logs that a node has followed.

/// Counted from 0, in the order in which the node followed them. Positions of one log mean nothing in another, so whatever
/// keeps some across an `await` keeps this beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Generation(u64);

impl Generation {
    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
