//! What a subscription asks for, and a second opinion on what that means: not one line is shared with the edge.

use serde_json::Value;

/// A filter, as clients spell it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) collections: Vec<String>,
    pub(super) dids: Vec<String>,
}

impl Filter {
    pub(super) fn of_collections(collections: &[&str]) -> Self {
        Self {
            collections: collections.iter().map(ToString::to_string).collect(),
            dids: Vec::new(),
        }
    }

    pub(super) fn lets_through(&self, event: &Value) -> bool {
        let did = event["did"].as_str().unwrap_or_default();
        if !self.dids.is_empty() && !self.dids.iter().any(|wanted| wanted == did) {
            return false;
        }
        let Some(collection) = event["commit"]["collection"].as_str() else {
            return true;
        };
        self.collections.is_empty()
            || self
                .collections
                .iter()
                .any(|wanted| match wanted.strip_suffix('*') {
                    Some(prefix) => collection.starts_with(prefix),
                    None => wanted == collection,
                })
    }
}
