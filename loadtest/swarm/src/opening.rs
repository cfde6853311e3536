//! How a subscriber sends its filter.

use std::sync::Arc;

use fanjet_oracle::Filter;

/// Filters with longer queries are sent as an options update.
const MAX_QUERY: usize = 7 << 10;

/// How a filter reaches the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opening {
    /// Query parameters.
    pub(crate) parameters: String,
    /// The first message of the client; the server sends nothing before it.
    pub(crate) hello: Option<Arc<str>>,
}

impl Opening {
    /// For Jetstream v2, whose clients send no messages.
    pub(crate) fn of_v2(filter: &Filter) -> Self {
        Self {
            parameters: filter.v2_query(),
            hello: None,
        }
    }

    /// Adds a parameter.
    pub(crate) fn push(&mut self, parameter: &str) {
        if !self.parameters.is_empty() {
            self.parameters.push('&');
        }
        self.parameters.push_str(parameter);
    }

    /// By the query if that is short enough, otherwise by an options update.
    pub(crate) fn of(filter: &Filter, by_message: bool) -> Self {
        if !by_message {
            let parameters = filter.query();
            if parameters.len() <= MAX_QUERY {
                let hello = None;
                return Self { parameters, hello };
            }
        }
        Self {
            parameters: "requireHello=true".to_owned(),
            hello: Some(filter.update().into()),
        }
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
            max_bytes: 0,
        }
    }

    #[test]
    fn short_filters_go_into_the_query_and_long_ones_into_a_message() {
        let short = Opening::of(&filter(&["a.b.c"], &["did:web:a%3A1"]), false);
        assert_eq!(
            short.parameters,
            "wantedCollections=a.b.c&wantedDids=did:web:a%253A1"
        );
        assert_eq!(short.hello, None);
        let did = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
        let long = Opening::of(&filter(&[], &[did; 1000]), false);
        assert_eq!(long.parameters, "requireHello=true");
        let hello: serde_json::Value = serde_json::from_str(&long.hello.unwrap()).unwrap();
        assert_eq!(
            hello["payload"]["wantedDids"].as_array().unwrap().len(),
            1000
        );
        assert_eq!(hello["payload"]["wantedCollections"], serde_json::json!([]));
        assert!(Opening::of(&filter(&[], &[]), true).hello.is_some());
        let mut v2 = Opening::of_v2(&filter(&["a.b.*"], &[did]));
        v2.push("x=1");
        assert_eq!(v2.parameters, format!("collections=a.b.*&dids={did}&x=1"));
        let mut everything = Opening::of_v2(&filter(&[], &[]));
        everything.push("x=1");
        assert_eq!(everything.parameters, "x=1");
    }
}
