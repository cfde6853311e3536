//! What is wrong with a client's options. Always the client's fault; the same options never work later.

use thiserror::Error;

use crate::{MAX_COLLECTIONS, MAX_DIDS};

/// Refused options. The texts begin with the words of Jetstream v1 and go on with what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// A `wantedCollections` value that is neither an NSID nor a prefix.
    #[error(
        "invalid collection: {0} (allowed: an NSID such as app.bsky.feed.post, or a prefix that ends in .* such as app.bsky.*)"
    )]
    Collection(String),
    /// A `wantedDids` value that is no DID.
    #[error("invalid DID: {0} (allowed: a DID such as did:plc:44ybard66vv44zksje25o7dz)")]
    Did(String),
    /// More different collections and prefixes than one subscriber may name.
    #[error("too many wanted collections: {0} > {MAX_COLLECTIONS}")]
    TooManyCollections(usize),
    /// More different DIDs than one subscriber may name.
    #[error("too many wanted DIDs: {0} > {MAX_DIDS}")]
    TooManyDids(usize),
}

impl OptionsError {
    /// How much of a refused value an error shows in bytes: it came from a stranger.
    pub const SHOWN: usize = 256;

    pub(crate) fn shown(value: &str) -> String {
        let end = (0..=value.len().min(Self::SHOWN))
            .rev()
            .find(|&end| value.is_char_boundary(end))
            .unwrap_or(0);
        value[..end].to_owned()
    }
}
