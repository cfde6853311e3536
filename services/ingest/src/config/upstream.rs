//! Section `[upstream]`: whom to read, and when to read somebody else.

use std::time::Duration;

use fanjet_config::list;
use fanjet_log::UpstreamId;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::IngestError;

/// Most fallbacks.
const MAX_FALLBACKS: usize = 15;
/// Fewer events say nothing about when they were.
const MIN_REMEMBERED: usize = 100;

/// Section `[upstream]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamConfig {
    /// The relay or PDS.
    pub url: String,
    /// Its name in origins; empty for the URL's host and port.
    pub name: String,
    /// Read in this order while the ones before fail; named by host and port.
    #[serde(deserialize_with = "list")]
    pub fallbacks: Vec<String>,
    /// How long an upstream must have failed before the next one is read.
    #[serde(with = "humantime_serde")]
    pub fail_after: Duration,
    /// How long an upstream may send no event before the next one is read; zero: for ever.
    #[serde(with = "humantime_serde")]
    pub stale_after: Duration,
    /// Time between looks at an upstream that is preferred to the one that is read.
    #[serde(with = "humantime_serde")]
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
    /// [`IngestError::Config`] as [`UpstreamConfig::endpoints`], and for a bound of zero.
    pub fn validate(&self) -> Result<(), IngestError> {
        if self.remembered_events < MIN_REMEMBERED {
            return Err(IngestError::Config {
                key: "upstream.remembered_events",
                reason: format!(
                    "{}: must be at least {MIN_REMEMBERED}",
                    self.remembered_events
                ),
            });
        }
        if self.probe_interval.is_zero() {
            return Err(IngestError::Config {
                key: "upstream.probe_interval",
                reason: "0s: must be longer".to_owned(),
            });
        }
        self.endpoints().map(drop)
    }

    /// All upstreams, the preferred one first.
    ///
    /// # Errors
    /// [`IngestError::Config`] for anything but WebSocket or HTTP URLs with a host, a name that does not fit into an
    /// origin, two upstreams of one name, or too many.
    pub fn endpoints(&self) -> Result<Vec<Endpoint>, IngestError> {
        let wrong = |reason| IngestError::Config {
            key: "upstream.fallbacks",
            reason,
        };
        if self.fallbacks.len() > MAX_FALLBACKS {
            return Err(wrong(format!(
                "{} of them, {MAX_FALLBACKS} are allowed",
                self.fallbacks.len()
            )));
        }
        let mut endpoints = vec![endpoint("upstream.url", &self.url, &self.name)?];
        for url in &self.fallbacks {
            let fallback = endpoint("upstream.fallbacks", url, "")?;
            if endpoints.iter().any(|other| other.id == fallback.id) {
                return Err(wrong(format!(
                    "{url:?}: there are two upstreams of the name {:?}",
                    fallback.id.as_str()
                )));
            }
            endpoints.push(fallback);
        }
        Ok(endpoints)
    }
}

fn endpoint(key: &'static str, text: &str, name: &str) -> Result<Endpoint, IngestError> {
    let url = subscription(key, text)?;
    let name = match (name, url.host_str(), url.port()) {
        ("", Some(host), Some(port)) => format!("{host}:{port}"),
        ("", host, _) => host.unwrap_or_default().to_owned(),
        (name, ..) => name.to_owned(),
    };
    let id = UpstreamId::new(&name).ok_or_else(|| IngestError::Config {
        key: "upstream.name",
        reason: format!("{name:?} is no name; allowed: 1 to 255 of A-Z a-z 0-9 . - _ :"),
    })?;
    Ok(Endpoint { id, url })
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
