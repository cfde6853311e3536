//! What a client asks for, and a second opinion on what that means: not one line is shared with the edge.

use std::fmt::Write;

use serde_json::Value;

/// A filter, as clients spell it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) collections: Vec<String>,
    pub(crate) dids: Vec<String>,
    /// 0: none.
    pub(crate) max_bytes: u32,
}

impl Filter {
    pub(crate) fn of_collections(collections: &[&str]) -> Self {
        Self {
            collections: collections.iter().map(ToString::to_string).collect(),
            ..Self::default()
        }
    }

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

    /// Whether an event, as clients read it, fits but for its length.
    pub(crate) fn lets_through(&self, event: &Value) -> bool {
        self.wants_did(event["did"].as_str().unwrap_or_default())
            && event["commit"]["collection"]
                .as_str()
                .is_none_or(|collection| self.wants_collection(collection))
    }

    pub(crate) fn wants_collection(&self, collection: &str) -> bool {
        self.collections.is_empty()
            || self
                .collections
                .iter()
                .any(|wanted| match wanted.strip_suffix('*') {
                    Some(prefix) => collection.starts_with(prefix),
                    None => wanted == collection,
                })
    }

    pub(crate) fn wants_did(&self, did: &str) -> bool {
        self.dids.is_empty() || self.dids.iter().any(|wanted| wanted == did)
    }
}
