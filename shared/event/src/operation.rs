//! What a commit does to one record.

/// The action of one repo operation, spelled as in `com.atproto.sync.subscribeRepos#repoOp` and in `commit.operation`
/// of Jetstream's JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// A new record.
    Create,
    /// A record that replaces the one under the same path.
    Update,
    /// The removal of a record; it has neither content nor CID.
    Delete,
}

impl Action {
    /// The protocol's name of the action.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// Parses the protocol's name of an action.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Delete]
            .into_iter()
            .find(|action| action.as_str() == word)
    }
}
