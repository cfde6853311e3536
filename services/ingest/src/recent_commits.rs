//! Which commits were logged recently.
//!
//! An upstream that is re-created under its old name may repeat the latest commits with seqs that seem to continue,
//! within one open connection: the seqs do not show it, but repo and rev do. The set holds hashes with a random key of
//! this process, so that an outsider cannot construct a collision; by chance, two collide once in thousands of years.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};

use fanjet_wire::envelope::Subject;

/// The number of operations: some minutes of the whole network, more than relays repeat.
const KEPT: usize = 1 << 16;

/// The operations of the newest commits.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecentCommits {
    key: RandomState,
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

impl RecentCommits {
    /// Adds an event that is about to be logged. Returns whether it was already present; always `false` for events
    /// other than commits.
    pub(crate) fn note(&mut self, subject: Subject<'_>, op_index: u32) -> bool {
        let Some(rev) = subject.rev else {
            return false;
        };
        let operation = self.key.hash_one((subject.did, rev, op_index));
        if !self.known.insert(operation) {
            return true;
        }
        if self.order.len() == KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(operation);
        false
    }
}

#[cfg(test)]
mod tests {
    use fanjet_event::Tid;

    use super::*;

    fn subject(time_us: u64) -> Subject<'static> {
        Subject {
            did: "did:plc:abc",
            rev: Some(Tid::from_parts(time_us, 0)),
        }
    }

    #[test]
    fn an_operation_is_known_by_repo_rev_and_index() {
        let mut recent = RecentCommits::default();
        assert!(!recent.note(subject(1), 0));
        assert!(recent.note(subject(1), 0));
        assert!(!recent.note(subject(1), 1));
        assert!(!recent.note(subject(2), 0));
        let other = Subject {
            did: "did:plc:abd",
            ..subject(1)
        };
        assert!(!recent.note(other, 0));
    }

    #[test]
    fn what_is_no_commit_may_come_again() {
        let mut recent = RecentCommits::default();
        let identity = Subject {
            rev: None,
            ..subject(1)
        };
        assert!(!recent.note(identity, 0));
        assert!(!recent.note(identity, 0));
    }

    #[test]
    fn the_oldest_make_room() {
        let mut recent = RecentCommits::default();
        for time_us in 0..3 * KEPT as u64 {
            assert!(!recent.note(subject(time_us), 0));
        }
        assert_eq!((recent.known.len(), recent.order.len()), (KEPT, KEPT));
        assert!(recent.note(subject(2 * KEPT as u64), 0));
        assert!(!recent.note(subject(2 * KEPT as u64 - 1), 0));
    }
}
