//! Section `[ingest.upstream]`: the upstream to read, and when to switch to another one.

use std::time::Duration;

use fanjet_config::list;
use fanjet_log::UpstreamId;
use serde::{Deserialize, Serialize};
use url::Url;

use super::constants;
use crate::IngestError;

/// Most fallbacks.
const MAX_FALLBACKS: usize = 15;

/// Section `[ingest.upstream]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamConfig {
    /// The relay or PDS.
    pub url: String,
    /// Its name in origins; empty for the URL's host and port.
    pub name: String,
    /// Read in this order while the ones before fail: `URL` or `NAME=URL`, named by host and port when there is no name.
    #[serde(deserialize_with = "list")]
    pub fallbacks: Vec<String>,
    /// How long an upstream must have failed before the next one is read.
    #[serde(with = "humantime_serde")]
    pub fail_after: Duration,
    /// How long an upstream may send no event before the next one is read; zero: for ever.
    #[serde(with = "humantime_serde")]
    pub stale_after: Duration,
    /// Time between looks at an upstream that is preferred to the one that is read.
    #[serde(skip, default = "constants::probe_interval")]
    pub probe_interval: Duration,
    /// How long a preferred upstream must have been well before it is read again.
    #[serde(with = "humantime_serde")]
    pub return_after: Duration,
    /// How far behind the log's newest event reading begins in another upstream.
    #[serde(with = "humantime_serde")]
    pub overlap: Duration,
    /// How many of the log's newest events are known again when another upstream sends them.
    pub remembered_events: usize,
    /// Largest frame.
    pub max_frame_bytes: usize,
    /// Time for connecting and for the handshake.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// Time between pings; half the silence after which the upstream counts as gone.
    #[serde(with = "humantime_serde")]
    pub ping_interval: Duration,
    /// First pause between connections.
    #[serde(with = "humantime_serde")]
    pub reconnect_min: Duration,
    /// Longest pause between connections.
    #[serde(with = "humantime_serde")]
    pub reconnect_max: Duration,
}

/// One upstream that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in origins.
    pub id: UpstreamId,
    /// Where to connect, without a cursor.
    pub url: Url,
}

impl UpstreamConfig {
    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`IngestError::Config`] as [`UpstreamConfig::endpoints`].
    pub fn validate(&self) -> Result<(), IngestError> {
        self.endpoints().map(drop)
    }

    /// All upstreams, the preferred one first.
    ///
    /// # Errors
    /// [`IngestError::Config`] for anything but WebSocket or HTTP URLs with a host, a name that does not fit into an
    /// origin, two upstreams of one name, or too many.
    pub fn endpoints(&self) -> Result<Vec<Endpoint>, IngestError> {
        let wrong = |reason| IngestError::Config {
            key: "ingest.upstream.fallbacks",
            reason,
        };
        if self.fallbacks.len() > MAX_FALLBACKS {
            return Err(wrong(format!(
                "{} of them, {MAX_FALLBACKS} are allowed",
                self.fallbacks.len()
            )));
        }
        let mut endpoints = vec![endpoint(
            ("ingest.upstream.url", &self.url),
            ("ingest.upstream.name", &self.name),
        )?];
        for text in &self.fallbacks {
            let (name, url) = named(text);
            let key = "ingest.upstream.fallbacks";
            let fallback = endpoint((key, url), (key, name))?;
            if endpoints.iter().any(|other| other.id == fallback.id) {
                return Err(wrong(format!(
                    "{text:?}: there are two upstreams of the name {:?}; NAME=URL gives another one",
                    fallback.id.as_str()
                )));
            }
            endpoints.push(fallback);
        }
        Ok(endpoints)
    }
}

/// A fallback's name, empty when it has none, and its URL.
fn named(text: &str) -> (&str, &str) {
    match text.split_once('=') {
        Some((name, url)) if !name.contains("://") => (name.trim(), url.trim()),
        _ => ("", text),
    }
}

/// An upstream from its URL and its name, each with the key that says it.
fn endpoint(
    (url_key, url): (&'static str, &str),
    (name_key, name): (&'static str, &str),
) -> Result<Endpoint, IngestError> {
    let url = subscription(url_key, url)?;
    let name = match name {
        "" => name_of(&url),
        name => name.to_owned(),
    };
    let id = UpstreamId::new(&name).ok_or_else(|| IngestError::Config {
        key: name_key,
        reason: format!("{name:?} is no name; allowed: 1 to 255 of A-Z a-z 0-9 . - _ :"),
    })?;
    Ok(Endpoint { id, url })
}

/// Host and port. An IPv6 address stands without brackets, which no name may hold, and its port behind a dot, which no such
/// address holds.
fn name_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match (address, url.port()) {
        (Some(address), Some(port)) => format!("{address}.{port}"),
        (None, Some(port)) => format!("{host}:{port}"),
        (address, None) => address.unwrap_or(host).to_owned(),
    }
}

fn subscription(key: &'static str, text: &str) -> Result<Url, IngestError> {
    let refuse = |why: &str| IngestError::Config {
        key,
        reason: format!(
            "{text:?} is no upstream: {why}; allowed: wss://HOST, ws://HOST, https://HOST, http://HOST"
        ),
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
    url.set_scheme(scheme)
        .map_err(|()| refuse("the scheme cannot be changed"))?;
    url.set_path("/xrpc/com.atproto.sync.subscribeRepos");
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests;
