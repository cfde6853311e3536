//! The URL of a Jetstream server.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// A validated URL: the server, and query parameters that this client does not interpret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

const V1_PATH: &str = "/subscribe";
const V2_PATH: &str = "/xrpc/network.bsky.jetstream.subscribeEvents";

/// Parameters that this client sets itself.
const OURS: [&str; 3] = ["cursor", "compress", "requireHello"];

impl Endpoint {
    /// The server's stream of Jetstream v2. A path other than the default stays.
    #[must_use]
    pub fn of_v2(&self) -> Self {
        let mut url = self.0.clone();
        if url.path() == V1_PATH {
            url.set_path(V2_PATH);
        }
        Self(url)
    }

    /// The URL to connect to, with additional query parameters.
    pub(crate) fn with<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Url {
        let mut url = self.0.clone();
        let mut pairs = pairs.into_iter().peekable();
        if pairs.peek().is_some() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        url
    }
}

/// Without the query, which may be long.
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
                "{why} (allowed: ws://HOST[:PORT] or wss://HOST[:PORT], with or without /subscribe)"
            )
        };
        let mut url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        let scheme = match url.scheme() {
            "wss" | "https" => "wss",
            "ws" | "http" => "ws",
            other => return Err(refuse(&format!("unsupported scheme {other:?}"))),
        };
        if !url.has_host() {
            return Err(refuse("missing host"));
        }
        if let Some(key) = OURS
            .iter()
            .find(|key| url.query_pairs().any(|(name, _)| name == **key))
        {
            return Err(format!(
                "{key:?} in the URL is not allowed: the client sets it"
            ));
        }
        url.set_scheme(scheme)
            .map_err(|()| refuse("the scheme cannot be changed"))?;
        if url.path() == "/" {
            url.set_path(V1_PATH);
        }
        url.set_fragment(None);
        Ok(Self(url))
    }
}

#[cfg(test)]
mod tests;
