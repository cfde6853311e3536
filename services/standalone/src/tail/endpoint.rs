//! The URL of a Jetstream server with everything that is asked of it but the cursor.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// A checked URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint(Url);

/// Keys that this client sets itself, and the flag to use instead.
const OURS: [(&str, &str); 3] = [
    ("cursor", "give it with --cursor"),
    ("compress", "ask for it with --zstd"),
    ("requireHello", "this client sends no hello"),
];

impl Endpoint {
    /// Adds filters.
    #[must_use]
    pub(crate) fn with_filter(mut self, collections: &[String], dids: &[String]) -> Self {
        let collections = collections.iter().map(|value| ("wantedCollections", value));
        let dids = dids.iter().map(|value| ("wantedDids", value));
        let mut pairs = collections.chain(dids).peekable();
        if pairs.peek().is_some() {
            self.0.query_pairs_mut().extend_pairs(pairs);
        }
        self
    }

    /// Asks for compressed events, or not.
    #[must_use]
    pub(crate) fn with_zstd(mut self, wanted: bool) -> Self {
        if wanted {
            self.0.query_pairs_mut().append_pair("compress", "true");
        }
        self
    }

    /// What to connect to.
    pub(crate) fn at(&self, cursor: Option<u64>) -> Url {
        let mut url = self.0.clone();
        if let Some(cursor) = cursor {
            url.query_pairs_mut()
                .append_pair("cursor", &cursor.to_string());
        }
        url
    }
}

/// Without the query: it may be long.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        url.set_query(None);
        url.fmt(f)
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = |why: &str| {
            format!(
                "{why}; allowed: ws://HOST[:PORT] or wss://HOST[:PORT], with or without /subscribe"
            )
        };
        let mut url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        let scheme = match url.scheme() {
            "wss" | "https" => "wss",
            "ws" | "http" => "ws",
            other => return Err(refuse(&format!("the scheme is {other:?}"))),
        };
        if !url.has_host() {
            return Err(refuse("it has no host"));
        }
        for (key, instead) in OURS {
            if url.query_pairs().any(|(name, _)| name == key) {
                return Err(format!("the URL has {key:?}: {instead}"));
            }
        }
        url.set_scheme(scheme)
            .map_err(|()| refuse("the scheme cannot be changed"))?;
        if url.path() == "/" {
            url.set_path("/subscribe");
        }
        url.set_fragment(None);
        Ok(Self(url))
    }
}

#[cfg(test)]
mod tests;
