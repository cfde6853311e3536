//! The collection that a relay silently drops.

use std::str::FromStr;

/// The dropped collection, and the first frame without it. On the command line: `app.bsky.feed.like=after:1000`, or the
/// collection alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuteRule {
    /// The collection.
    pub collection: String,
    /// How many frames come before.
    pub after: u64,
}

impl FromStr for MuteRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (collection, after) = text.split_once("=after:").unwrap_or((text, "0"));
        let after = after
            .parse()
            .map_err(|_| format!("{after:?} is not a count of frames"))?;
        let collection = collection.to_owned();
        Ok(Self { collection, after })
    }
}
