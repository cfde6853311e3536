//! The parameters of Jetstream v2's `network.bsky.jetstream.subscribeEvents`, in its order of checks and its words.
//!
//! v2 is stricter than v1: broken escapes, repetitions beyond a limit and the names of v1's parameters are errors.

mod error;
mod lists;
mod plan;
mod query;

use std::borrow::Cow;

use fanjet_event::Cursor;

use crate::{Filter, OptionsError};

pub use error::V2Error;
pub use lists::V2Lists;
pub use plan::PlanRequest;

/// What one client of v2 asked for when it connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V2Options {
    /// The wanted events.
    pub filter: Filter,
    /// Where to start; `None`: with the next event.
    pub cursor: Option<Cursor>,
    /// The dictionary for compressed frames, as an index into those that are served; `None`: text frames.
    pub dictionary: Option<usize>,
}

impl V2Options {
    /// Parses a raw query string (without the `?`). `socket_encoding` is v1's request header for compression, which is
    /// refused here; `served` are the ids of the dictionaries, the current one first. Unknown names are ignored, and
    /// the first of duplicate single values counts.
    ///
    /// # Errors
    /// [`V2Error`] with the first invalid value, in v2's order.
    pub fn parse(
        query: &str,
        socket_encoding: Option<&[u8]>,
        served: &[u32],
    ) -> Result<Self, V2Error> {
        let pairs = query::pairs(query)?;
        let first = |name: &str| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| &**value)
        };
        let current = served.first().copied().unwrap_or_default();
        let wants_zstd = |header: &[u8]| header.windows(4).any(|part| part == b"zstd");
        if first("compress") == Some("true") || socket_encoding.is_some_and(wants_zstd) {
            return Err(V2Error::Compress { current });
        }
        let dictionary = match first("zstdDictionary") {
            None | Some("") => None,
            Some(id) => Some(dictionary(id, served)?),
        };
        for (legacy, error) in [
            ("wantedDids", V2Error::Legacy("wantedDids", "dids")),
            (
                "wantedCollections",
                V2Error::Legacy("wantedCollections", "collections"),
            ),
            ("requireHello", V2Error::RequireHello),
        ] {
            if first(legacy).is_some() {
                return Err(error);
            }
        }
        let all = |name: &str| -> Vec<Cow<'_, str>> {
            let named = pairs.iter().filter(|(key, _)| key == name);
            named.map(|(_, value)| Cow::Borrowed(&**value)).collect()
        };
        let lists = V2Lists {
            kinds: all("kinds"),
            dids: all("dids"),
            collections: all("collections"),
        };
        let filter = lists.filter(|| max_message_bytes(&all("maxMessageSizeBytes")))?;
        let cursor = first("cursor").filter(|cursor| !cursor.is_empty());
        Ok(Self {
            filter,
            cursor: cursor.map(cursor_of).transpose()?,
            dictionary,
        })
    }
}

fn dictionary(id: &str, served: &[u32]) -> Result<usize, V2Error> {
    let id = decimal(id)
        .filter(|&id| id > 0)
        .ok_or(V2Error::DictionaryId)?;
    served.iter().position(|&other| other == id).ok_or_else(|| {
        let current = served.first().copied().unwrap_or_default();
        V2Error::UnknownDictionary { id, current }
    })
}

/// 0, also if it is absent: no limit.
fn max_message_bytes(values: &[Cow<'_, str>]) -> Result<u32, V2Error> {
    match values {
        [] => Ok(0),
        [one] if !one.is_empty() => {
            decimal(one).ok_or_else(|| V2Error::InvalidMaxMessageBytes(OptionsError::shown(one)))
        }
        _ => Err(V2Error::MaxMessageBytes),
    }
}

/// A signed 64-bit number that is not negative.
fn cursor_of(text: &str) -> Result<Cursor, V2Error> {
    let value: i64 = text
        .parse()
        .map_err(|_| V2Error::Cursor(OptionsError::shown(text)))?;
    let value = u64::try_from(value).map_err(|_| V2Error::NegativeCursor(value))?;
    Ok(Cursor::from_value(value))
}

/// Digits only: no sign.
fn decimal(text: &str) -> Option<u32> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_digits)
}

#[cfg(test)]
mod tests;
