//! The kinds of events that filters distinguish: the operations of a commit, and the other kinds of events.

use fanjet_event::{Action, Topic};

/// The kind of an event: those of the protocols, commits by their operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A commit creates a record.
    Create,
    /// A commit replaces a record.
    Update,
    /// A commit deletes a record.
    Delete,
    /// A handle or DID document may have changed.
    Identity,
    /// An account's hosting status changed.
    Account,
    /// A repo's state was declared; served in v2 only.
    Sync,
}

impl EventKind {
    /// All kinds, in the order of [`EventKind::index`].
    pub const ALL: [Self; 6] = [
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::Identity,
        Self::Account,
        Self::Sync,
    ];

    /// The kind of an event; `action` is that of a commit. `None` for commits with an
    /// unknown action, which are never served.
    pub fn of(topic: &Topic, action: Option<Action>) -> Option<Self> {
        match (topic, action) {
            (Topic::Commit(_), Some(Action::Create)) => Some(Self::Create),
            (Topic::Commit(_), Some(Action::Update)) => Some(Self::Update),
            (Topic::Commit(_), Some(Action::Delete)) => Some(Self::Delete),
            (Topic::Identity, _) => Some(Self::Identity),
            (Topic::Account, _) => Some(Self::Account),
            (Topic::Sync, _) => Some(Self::Sync),
            (Topic::Commit(_), None) | (Topic::Frame(_) | Topic::Labels(_), _) => None,
        }
    }

    /// Its index.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Whether it is an operation of a commit.
    pub fn is_commit(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Delete)
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct EventKinds(u8);

impl EventKinds {
    pub(super) const ALL: Self = Self((1 << EventKind::ALL.len()) - 1);
    const COMMITS: Self = Self(0b111);
    const SYNC: Self = Self(1 << EventKind::Sync as u8);

    /// The kinds that values of `wantedKinds` and `wantedOperations` allow together; an empty list allows all.
    pub(crate) fn wanted(kinds: &[Self], operations: &[Self]) -> Self {
        let union = |values: &[Self], all: Self| match values {
            [] => all,
            some => Self(some.iter().fold(0, |set, value| set | value.0)),
        };
        let operations = union(operations, Self::COMMITS);
        let others = Self::ALL.0 & !Self::COMMITS.0;
        Self(union(kinds, Self::ALL).0 & (operations.0 | others))
    }

    /// A value of `wantedKinds`.
    pub(super) fn of_kind(word: &str) -> Option<Self> {
        KINDS
            .into_iter()
            .find_map(|(kind, set)| (kind == word).then_some(set))
    }

    /// A value of `wantedOperations`.
    pub(super) fn of_operation(word: &str) -> Option<Self> {
        Action::parse(word).map(|action| Self(1 << action as u8))
    }

    /// A value of v2's `kinds`.
    pub(crate) fn of_v2(word: &str) -> Option<Self> {
        Self::of_kind(word).or_else(|| (word == "sync").then_some(Self::SYNC))
    }

    /// The same with sync events, which v1 has no word for: whether they are served is decided by the protocol.
    pub(super) fn with_sync(self) -> Self {
        Self(self.0 | Self::SYNC.0)
    }

    /// Whether it contains an operation of commits.
    pub(crate) fn has_commits(self) -> bool {
        self.0 & Self::COMMITS.0 != 0
    }

    pub(super) fn contains(self, kind: EventKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// The values of `wantedKinds` for this set; none if it contains every kind.
    pub(super) fn kind_words(self) -> Vec<&'static str> {
        let wanted: Vec<_> = KINDS
            .into_iter()
            .filter_map(|(kind, set)| (self.0 & set.0 != 0).then_some(kind))
            .collect();
        if wanted.len() == KINDS.len() {
            return Vec::new();
        }
        wanted
    }

    /// The values of `wantedOperations` for this set; none if it contains every operation, or no commit.
    pub(super) fn operation_words(self) -> Vec<&'static str> {
        match self.0 & Self::COMMITS.0 {
            0 => Vec::new(),
            all if all == Self::COMMITS.0 => Vec::new(),
            some => [Action::Create, Action::Update, Action::Delete]
                .into_iter()
                .filter(|&action| some & (1 << action as u8) != 0)
                .map(Action::as_str)
                .collect(),
        }
    }
}

impl PartialOrd for EventKinds {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EventKinds {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

const KINDS: [(&str, EventKinds); 3] = [
    ("commit", EventKinds::COMMITS),
    ("identity", EventKinds(1 << EventKind::Identity as u8)),
    ("account", EventKinds(1 << EventKind::Account as u8)),
];
