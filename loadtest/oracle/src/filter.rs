//! A client's filter, and the events that match it.

use std::fmt::Write;

use hashbrown::HashSet;
use serde::Serialize;

/// A filter, as clients send it. Empty: everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// NSIDs, or prefixes with a `*` at the end.
    pub collections: Vec<String>,
    /// Repos.
    pub dids: Vec<String>,
    /// 0: none.
    pub max_bytes: u32,
}

/// A filter as sets, for checking many events.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    collections: HashSet<String>,
    prefixes: Vec<String>,
    dids: HashSet<String>,
}

#[derive(Serialize)]
struct Update<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    payload: Payload<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Payload<'a> {
    wanted_collections: &'a [String],
    wanted_dids: &'a [String],
    max_message_size_bytes: u32,
}

impl Filter {
    /// A filter for these collections.
    pub fn of_collections(collections: &[&str]) -> Self {
        Self {
            collections: collections.iter().map(ToString::to_string).collect(),
            ..Self::default()
        }
    }

    /// As query parameters, separated by `&`.
    pub fn query(&self) -> String {
        let mut query = String::new();
        let collections = self.collections.iter().map(|it| ("wantedCollections", it));
        let dids = self.dids.iter().map(|it| ("wantedDids", it));
        for (name, value) in collections.chain(dids) {
            let joint = if query.is_empty() { "" } else { "&" };
            let _infallible = write!(query, "{joint}{name}={}", value.replace('%', "%25"));
        }
        if self.max_bytes > 0 {
            let joint = if query.is_empty() { "" } else { "&" };
            let _infallible = write!(query, "{joint}maxMessageSizeBytes={}", self.max_bytes);
        }
        query
    }

    /// As query parameters of v2. Its size limit is on another text, so there must be none.
    pub fn v2_query(&self) -> String {
        let renamed = self.query().replace("wantedCollections=", "collections=");
        renamed.replace("wantedDids=", "dids=")
    }

    /// As an options update.
    pub fn update(&self) -> String {
        let update = Update {
            kind: "options_update",
            payload: Payload {
                wanted_collections: &self.collections,
                wanted_dids: &self.dids,
                max_message_size_bytes: self.max_bytes,
            },
        };
        // Text and numbers always serialize.
        serde_json::to_string(&update).unwrap_or_default()
    }
}

impl Matcher {
    /// The sets of a filter.
    pub fn new(filter: &Filter) -> Self {
        let mut matcher = Self {
            dids: filter.dids.iter().cloned().collect(),
            ..Self::default()
        };
        for wanted in &filter.collections {
            match wanted.strip_suffix('*') {
                Some(prefix) => matcher.prefixes.push(prefix.to_owned()),
                None => {
                    matcher.collections.insert(wanted.clone());
                }
            }
        }
        matcher
    }

    /// Whether an event matches, apart from its length; `collection` is `None` unless it is a commit.
    pub fn matches(&self, did: &str, collection: Option<&str>) -> bool {
        self.wants_did(did) && collection.is_none_or(|it| self.wants_collection(it))
    }

    /// Whether commits of this collection match.
    pub fn wants_collection(&self, collection: &str) -> bool {
        let wants_all = self.collections.is_empty() && self.prefixes.is_empty();
        wants_all
            || self.collections.contains(collection)
            || self.prefixes.iter().any(|it| collection.starts_with(it))
    }

    /// Whether events of this repo match.
    pub fn wants_did(&self, did: &str) -> bool {
        self.dids.is_empty() || self.dids.contains(did)
    }
}

#[cfg(test)]
mod tests;
