//! What one subscriber asks for, and a second opinion on which events that lets through.

use std::fmt::Write;
use std::sync::Arc;

use hashbrown::HashSet;

/// Filters with longer queries are sent as an options update.
const MAX_QUERY: usize = 7 << 10;

/// A filter, as clients spell it. Empty: everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Exact NSIDs.
    pub collections: Vec<String>,
    /// Repos.
    pub dids: Vec<String>,
}

/// How a filter reaches the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Query parameters.
    pub parameters: String,
    /// The first message of the client; nothing is sent to it before.
    pub hello: Option<Arc<str>>,
}

/// Filters as sets, to check many events with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Matcher {
    collections: HashSet<String>,
    dids: HashSet<String>,
}

impl Filter {
    /// By the query where that is short, otherwise by an options update.
    pub fn opening(&self, by_message: bool) -> Opening {
        if !by_message {
            let parameters = self.query();
            if parameters.len() <= MAX_QUERY {
                let hello = None;
                return Opening { parameters, hello };
            }
        }
        Opening {
            parameters: "requireHello=true".to_owned(),
            hello: Some(self.update().into()),
        }
    }

    /// As query parameters.
    fn query(&self) -> String {
        let mut query = String::new();
        let collections = self.collections.iter().map(|it| ("wantedCollections", it));
        let dids = self.dids.iter().map(|it| ("wantedDids", it));
        for (name, value) in collections.chain(dids) {
            let joint = if query.is_empty() { "" } else { "&" };
            let _infallible = write!(query, "{joint}{name}={}", value.replace('%', "%25"));
        }
        query
    }

    /// As an options update. NSIDs and DIDs hold nothing that JSON escapes.
    fn update(&self) -> String {
        let mut update = r#"{"type":"options_update","payload":{"wantedCollections":["#.to_owned();
        list(&mut update, &self.collections);
        update.push_str(r#"],"wantedDids":["#);
        list(&mut update, &self.dids);
        update.push_str("]}}");
        update
    }
}

impl Matcher {
    /// The sets of a filter.
    pub(crate) fn new(filter: &Filter) -> Self {
        Self {
            collections: filter.collections.iter().cloned().collect(),
            dids: filter.dids.iter().cloned().collect(),
        }
    }

    /// Whether an event fits; `collection` is `None` for what is no commit.
    pub(crate) fn matches(&self, did: &str, collection: Option<&str>) -> bool {
        let wants_did = self.dids.is_empty() || self.dids.contains(did);
        wants_did && collection.is_none_or(|it| self.wants_collection(it))
    }

    /// Whether commits of this collection fit.
    pub(crate) fn wants_collection(&self, collection: &str) -> bool {
        self.collections.is_empty() || self.collections.contains(collection)
    }
}

fn list(out: &mut String, values: &[String]) {
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push('"');
        out.push_str(value);
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(collections: &[&str], dids: &[&str]) -> Filter {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Filter {
            collections: owned(collections),
            dids: owned(dids),
        }
    }

    #[test]
    fn short_filters_go_into_the_query_and_long_ones_into_a_message() {
        let short = filter(&["a.b.c"], &["did:web:a%3A1"]).opening(false);
        assert_eq!(
            short.parameters,
            "wantedCollections=a.b.c&wantedDids=did:web:a%253A1"
        );
        assert_eq!(short.hello, None);
        let did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
        let long = filter(&[], &[did; 1000]).opening(false);
        assert_eq!(long.parameters, "requireHello=true");
        let hello: serde_json::Value = serde_json::from_str(&long.hello.unwrap()).unwrap();
        assert_eq!(
            hello["payload"]["wantedDids"].as_array().unwrap().len(),
            1000
        );
        assert_eq!(hello["payload"]["wantedCollections"], serde_json::json!([]));
        assert!(filter(&[], &[]).opening(true).hello.is_some());
    }

    #[test]
    fn collections_limit_commits_and_dids_everything() {
        let both = Matcher::new(&filter(&["a.b.c"], &["did:plc:x"]));
        assert!(both.matches("did:plc:x", Some("a.b.c")));
        assert!(both.matches("did:plc:x", None));
        assert!(!both.matches("did:plc:x", Some("a.b.d")));
        assert!(!both.matches("did:plc:y", None));
        assert!(Matcher::default().matches("did:plc:y", Some("a.b.d")));
    }
}
