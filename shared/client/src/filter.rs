//! Which events a client wants.

use serde::Serialize;

/// An empty list does not filter. Servers reject lists that they do not support, with a reason; v1 accepts 100
/// collections and 10,000 DIDs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    wanted_collections: Vec<String>,
    wanted_dids: Vec<String>,
    max_message_size_bytes: u32,
}

/// A longer query is sent as a message instead: proxies accept 8 KiB for the whole request head.
const MAX_QUERY: usize = 4 << 10;

impl Filter {
    /// Commits to this collection, or to all below a prefix such as `app.bsky.*`. Other kinds of events always pass.
    #[must_use]
    pub fn collection(mut self, nsid: impl Into<String>) -> Self {
        self.wanted_collections.push(nsid.into());
        self
    }

    /// Events of this repo.
    #[must_use]
    pub fn did(mut self, did: impl Into<String>) -> Self {
        self.wanted_dids.push(did.into());
        self
    }

    /// No event that is longer as uncompressed JSON. 0: no limit.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u32) -> Self {
        self.max_message_size_bytes = bytes;
        self
    }

    /// As query parameters, in insertion order.
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let collections = self.wanted_collections.iter();
        let collections = collections.map(|nsid| ("wantedCollections", nsid.clone()));
        let dids = self.wanted_dids.iter();
        let dids = dids.map(|did| ("wantedDids", did.clone()));
        let size = Some(self.max_message_size_bytes).filter(|bytes| *bytes > 0);
        let size = size.map(|bytes| ("maxMessageSizeBytes", bytes.to_string()));
        collections.chain(dids).chain(size).collect()
    }

    /// The same for v2.
    pub(crate) fn v2_query(&self) -> Vec<(&'static str, String)> {
        let renamed = self.query().into_iter().map(|(key, value)| match key {
            "wantedCollections" => ("collections", value),
            "wantedDids" => ("dids", value),
            other => (other, value),
        });
        renamed.collect()
    }

    /// Whether it is too long for a request head.
    pub(crate) fn is_long(&self) -> bool {
        let pairs = self.query();
        let bytes = pairs
            .iter()
            .map(|(key, value)| key.len() + 2 + 3 * value.len());
        bytes.sum::<usize>() > MAX_QUERY
    }

    /// As a message that replaces the filter before.
    pub(crate) fn message(&self) -> String {
        serde_json::json!({ "type": "options_update", "payload": self }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_servers_read_it() {
        let filter = Filter::default()
            .collection("app.bsky.*")
            .did("did:plc:a")
            .did("did:plc:b")
            .max_bytes(7);
        let expected = [
            ("wantedCollections", "app.bsky.*".to_owned()),
            ("wantedDids", "did:plc:a".to_owned()),
            ("wantedDids", "did:plc:b".to_owned()),
            ("maxMessageSizeBytes", "7".to_owned()),
        ];
        assert_eq!(filter.query(), expected);
        let message: serde_json::Value = serde_json::from_str(&filter.message()).unwrap();
        let expected = serde_json::json!({
            "type": "options_update",
            "payload": {
                "wantedCollections": ["app.bsky.*"],
                "wantedDids": ["did:plc:a", "did:plc:b"],
                "maxMessageSizeBytes": 7,
            },
        });
        assert_eq!(message, expected);
        let keys: Vec<_> = filter.v2_query().into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["collections", "dids", "dids", "maxMessageSizeBytes"]);
        assert!(Filter::default().query().is_empty());
    }

    #[test]
    fn a_long_one_does_not_go_into_the_url() {
        let dids = |count| {
            (0..count).fold(Filter::default(), |it, n| {
                it.did(format!("did:plc:{n:024}"))
            })
        };
        assert!(!dids(30).is_long());
        assert!(dids(50).is_long());
    }
}
