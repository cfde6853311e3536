//! What a commit does to one record.

/// The action of one repo operation. The words are those of `com.atproto.sync.subscribeRepos#repoOp`, and of
/// `commit.operation` in Jetstream's JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// A record that was not there before.
    Create,
    /// A record that replaces one under the same path.
    Update,
    /// A record taken away; it has neither content nor CID.
    Delete,
}

impl Action {
    /// The protocol's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// The action for a protocol word, if it is one.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Delete]
            .into_iter()
            .find(|action| action.as_str() == word)
    }
}
