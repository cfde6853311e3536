//! The lists of values that a filter consists of: their names, limits and texts.

use std::fmt;

/// Maximum of different collections and prefixes in each of the two lists of collections.
pub const MAX_COLLECTIONS: usize = 100;
/// Maximum of different DIDs in each of the two lists of DIDs.
pub const MAX_DIDS: usize = 10_000;
/// Maximum of values of a list of collections, kinds or operations, repetitions included: bounds the work before they
/// are compared.
pub const MAX_COLLECTION_VALUES: usize = 10_000;
/// Maximum of values of a list of DIDs, repetitions included.
pub const MAX_DID_VALUES: usize = 1_000_000;

/// Maximum of bytes of all different values of a filter: a subscriber keeps them as long as it is connected. The
/// maximum number of collections and DIDs fits, unless most of them are unusually long.
pub const MAX_FILTER_BYTES: usize = 1 << 20;

/// A list of values. The first two are v1's, the others are extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum List {
    /// Collections: a commit must be in one of them.
    WantedCollections,
    /// Repos: an event must be about one of them.
    WantedDids,
    /// Collections: a commit must be in none of them.
    UnwantedCollections,
    /// Repos: an event must be about none of them.
    UnwantedDids,
    /// Kinds: an event must be of one of them.
    WantedKinds,
    /// Operations: a commit must do one of them.
    WantedOperations,
}

impl List {
    /// Every list, in the order in which they are validated: v1's first.
    pub const ALL: [Self; 6] = [
        Self::WantedCollections,
        Self::WantedDids,
        Self::UnwantedCollections,
        Self::UnwantedDids,
        Self::WantedKinds,
        Self::WantedOperations,
    ];

    /// The name in queries and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WantedCollections => "wantedCollections",
            Self::WantedDids => "wantedDids",
            Self::UnwantedCollections => "unwantedCollections",
            Self::UnwantedDids => "unwantedDids",
            Self::WantedKinds => "wantedKinds",
            Self::WantedOperations => "wantedOperations",
        }
    }

    /// Maximum number of different values.
    pub const fn max(self) -> usize {
        match self {
            Self::WantedCollections | Self::UnwantedCollections => MAX_COLLECTIONS,
            Self::WantedDids | Self::UnwantedDids => MAX_DIDS,
            Self::WantedKinds | Self::WantedOperations => 3,
        }
    }

    /// Maximum number of values, equal ones included.
    pub const fn max_values(self) -> usize {
        match self {
            Self::WantedDids | Self::UnwantedDids => MAX_DID_VALUES,
            _ => MAX_COLLECTION_VALUES,
        }
    }

    /// The noun for one value, as in v1 if v1 has the list.
    pub(crate) fn one(self) -> &'static str {
        match self {
            Self::WantedCollections => "collection",
            Self::WantedDids => "DID",
            Self::UnwantedCollections => "unwanted collection",
            Self::UnwantedDids => "unwanted DID",
            Self::WantedKinds => "kind",
            Self::WantedOperations => "operation",
        }
    }

    /// What a value must be.
    pub(crate) fn allowed(self) -> &'static str {
        match self {
            Self::WantedCollections | Self::UnwantedCollections => {
                "an NSID such as app.bsky.feed.post, or a prefix that ends in .* such as app.bsky.*, of at most 317 bytes"
            }
            Self::WantedDids | Self::UnwantedDids => {
                "a DID such as did:plc:44ybard66vv44zksje25o7dz"
            }
            Self::WantedKinds => "commit, identity, account",
            Self::WantedOperations => "create, update, delete",
        }
    }
}

/// The noun for its values, as in v1 if v1 has the list.
impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WantedCollections => "wanted collections",
            Self::WantedDids => "wanted DIDs",
            Self::UnwantedCollections => "unwanted collections",
            Self::UnwantedDids => "unwanted DIDs",
            Self::WantedKinds => "wanted kinds",
            Self::WantedOperations => "wanted operations",
        })
    }
}
