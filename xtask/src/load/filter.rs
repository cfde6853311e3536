//! What a client asks for, and a second opinion on what that means: not one line is shared with the edge.

use std::fmt::Write;
use std::sync::Arc;

use super::Oracle;

/// A filter, as clients spell it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) collections: Vec<String>,
    pub(crate) dids: Vec<String>,
    /// 0: none.
    pub(crate) max_bytes: u32,
}

impl Filter {
    /// As query parameters.
    pub(crate) fn query(&self) -> String {
        let mut query = String::new();
        let collections = self.collections.iter().map(|it| ("wantedCollections", it));
        let dids = self.dids.iter().map(|it| ("wantedDids", it));
        for (name, value) in collections.chain(dids) {
            let _infallible = write!(query, "{name}={}&", value.replace('%', "%25"));
        }
        if self.max_bytes > 0 {
            let _infallible = write!(query, "maxMessageSizeBytes={}&", self.max_bytes);
        }
        query
    }

    /// As an options update.
    pub(crate) fn update(&self) -> String {
        serde_json::json!({
            "type": "options_update",
            "payload": {
                "wantedCollections": self.collections,
                "wantedDids": self.dids,
                "maxMessageSizeBytes": self.max_bytes,
            },
        })
        .to_string()
    }

    fn wants_collection(&self, collection: &str) -> bool {
        self.collections.is_empty()
            || self
                .collections
                .iter()
                .any(|wanted| match wanted.strip_suffix('*') {
                    Some(prefix) => collection.starts_with(prefix),
                    None => wanted == collection,
                })
    }

    fn wants_did(&self, did: &str) -> bool {
        self.dids.is_empty() || self.dids.iter().any(|wanted| wanted == did)
    }
}

/// A filter over the oracle's events: names are looked at once.
#[derive(Clone)]
pub(super) struct Matcher {
    filter: Filter,
    oracle: Arc<Oracle>,
    collections: Vec<Option<bool>>,
    dids: Vec<Option<bool>>,
}

impl Matcher {
    pub(super) fn new(filter: Filter, oracle: Arc<Oracle>) -> Self {
        Self {
            filter,
            oracle,
            collections: Vec::new(),
            dids: Vec::new(),
        }
    }

    /// Whether it lets an event through.
    pub(super) fn wants(&mut self, index: usize) -> bool {
        let about = self.oracle.about(index);
        let (filter, oracle) = (&self.filter, &self.oracle);
        let fits = filter.max_bytes == 0 || about.length <= filter.max_bytes;
        fits && (about.collection == 0
            || remembered(&mut self.collections, about.collection, |number| {
                filter.wants_collection(&oracle.collection_names().name(number))
            }))
            && remembered(&mut self.dids, about.did, |number| {
                filter.wants_did(&oracle.did_names().name(number))
            })
    }
}

fn remembered(answers: &mut Vec<Option<bool>>, number: u32, ask: impl Fn(u32) -> bool) -> bool {
    let at = number as usize;
    if at >= answers.len() {
        answers.resize(at + 1, None);
    }
    *answers[at].get_or_insert_with(|| ask(number))
}
