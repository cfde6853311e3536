//! What is wrong with a client's options. Always the client's fault; the same options never work later.

use thiserror::Error;

use crate::{MAX_COLLECTION_VALUES, MAX_COLLECTIONS, MAX_DID_VALUES, MAX_DIDS};

/// Refused options. The texts begin with the words of Jetstream v1 and go on with what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// A `cursor` that is no number.
    #[error(
        "invalid cursor: {0} (allowed: a decimal number, the time_us of the last event received)"
    )]
    Cursor(String),
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
    /// More values of `wantedCollections` than are looked at, however many of them are equal.
    #[error(
        "too many wanted collections: more than {MAX_COLLECTION_VALUES} values, repeated ones included"
    )]
    TooManyCollectionValues,
    /// More values of `wantedDids` than are looked at, however many of them are equal.
    #[error("too many wanted DIDs: more than {MAX_DID_VALUES} values, repeated ones included")]
    TooManyDidValues,
    /// A `format` that does not exist.
    #[error("invalid format: {0} (allowed: v1, v0)")]
    Format(String),
    /// The original wire and compression together.
    #[error(
        "format=v0 cannot be compressed (allowed: format=v0 without compress=true and Socket-Encoding, or format=v1)"
    )]
    CompressedV0,
}

impl OptionsError {
    /// How much of a refused value an error shows in bytes: it came from a stranger.
    pub const SHOWN: usize = 256;

    /// The whole text that a client gets: v1 names the kind of failure first, but not for a cursor.
    pub fn answer(&self) -> String {
        match self {
            Self::Cursor(_) => self.to_string(),
            _ => format!("invalid subscriber options: {self}"),
        }
    }

    pub(crate) fn shown(value: &str) -> String {
        let end = (0..=value.len().min(Self::SHOWN))
            .rev()
            .find(|&end| value.is_char_boundary(end))
            .unwrap_or(0);
        value[..end].to_owned()
    }
}

/// A refused text message. The connection that sent it cannot go on: what its client wants is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// Not a JSON object with a text as `type`.
    #[error("bad SubscriberSourcedMessage envelope")]
    Envelope,
    /// An `options_update` whose payload is missing or has values of wrong types.
    #[error("bad options_update payload")]
    Payload,
    /// An `options_update` whose values are refused.
    #[error("{}", .0.answer())]
    Options(#[from] OptionsError),
}
