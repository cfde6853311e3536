//! Parses responses. Pure: untrusted bytes in, only validated values out.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::subject::LookupValue;

/// at-kafka's value for an account without a usable handle.
pub(super) const NO_HANDLE: &str = "handle.invalid";

/// The longest host name.
const MAX_HANDLE: usize = 253;

/// The maximum nesting of a profile: the same as for records that ingest accepts.
const MAX_LEVELS: usize = 120;

/// Below either of these an account is new, and its profile changes with every event.
const SETTLED: u64 = 10;

/// An account, as its DID document describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The document's JSON, as at-kafka writes it.
    pub(super) document: String,
    /// The URL of its PDS; empty without one.
    pub(super) pds: String,
    /// The handle that it claims, not verified. `None` when it claims no valid one.
    pub(super) handle: Option<String>,
}

/// The keys that at-kafka keeps, in its order.
#[derive(Deserialize, Serialize)]
struct Document {
    id: String,
    #[serde(rename = "alsoKnownAs", default, skip_serializing_if = "Vec::is_empty")]
    also_known_as: Vec<String>,
    #[serde(
        rename = "verificationMethod",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    verification_method: Vec<Method>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    service: Vec<Service>,
}

#[derive(Deserialize, Serialize)]
struct Method {
    id: String,
    r#type: String,
    controller: String,
    #[serde(rename = "publicKeyMultibase", default)]
    public_key_multibase: String,
}

#[derive(Deserialize, Serialize)]
struct Service {
    id: String,
    r#type: String,
    #[serde(rename = "serviceEndpoint")]
    service_endpoint: String,
}

impl Identity {
    /// `None` when it is not this account's document.
    pub(super) fn parse(did: &str, text: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(text).ok()?;
        if document.id != did {
            return None;
        }
        let is_pds = |service: &&Service| service.id.ends_with("#atproto_pds");
        let pds = document.service.iter().find(is_pds);
        let mut names = document.also_known_as.iter();
        let handle = names.find_map(|name| name.strip_prefix("at://").filter(|it| !it.is_empty()));
        let handle = handle.filter(|handle| handle.len() <= MAX_HANDLE);
        Some(Self {
            pds: pds.map_or_else(String::new, |pds| pds.service_endpoint.clone()),
            handle: handle.map(str::to_ascii_lowercase),
            document: serde_json::to_string(&document).ok()?,
        })
    }
}

impl LookupValue for Identity {
    fn is_fleeting(&self) -> bool {
        false
    }

    fn bytes(&self) -> usize {
        let handle = self.handle.as_ref().map_or(0, String::len);
        self.document.len() + self.pds.len() + handle
    }
}

/// The creation time of the account: the first entry of its audit log.
pub(super) fn created_at(text: &[u8]) -> Option<String> {
    let log: Value = serde_json::from_slice(text).ok()?;
    log.get(0)?.get("createdAt")?.as_str().map(str::to_owned)
}

/// A profile as compact JSON. It may contain arbitrary records, and the enclosing message must stay within the nesting
/// that JSON parsers accept.
pub(super) fn profile(text: &[u8]) -> Option<String> {
    let profile: Value = serde_json::from_slice(text).ok()?;
    profile.get("did")?;
    (levels(&profile) <= MAX_LEVELS).then(|| profile.to_string())
}

/// The nesting depth of a value.
fn levels(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(list) => list.iter().map(levels).max(),
        Value::Object(map) => map.values().map(levels).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or(0)
}

/// The start of an audit log never changes; profiles of new accounts do.
impl LookupValue for String {
    fn is_fleeting(&self) -> bool {
        let Ok(Value::Object(profile)) = serde_json::from_str(self) else {
            return false;
        };
        let count = |key| profile.get(key).and_then(Value::as_u64).unwrap_or(0);
        count("followersCount") <= SETTLED || count("postsCount") <= SETTLED
    }

    fn bytes(&self) -> usize {
        self.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_that_is_nested_too_deeply_is_omitted() {
        let of = |levels: usize| {
            let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
            format!(r#"{{"did":"did:plc:a","status":{open}{close}}}"#)
        };
        assert_eq!(profile(of(MAX_LEVELS).as_bytes()), Some(of(MAX_LEVELS)));
        for levels in [MAX_LEVELS + 1, 127, 128, 100_000] {
            assert_eq!(profile(of(levels).as_bytes()), None);
        }
        assert_eq!(profile(br#"{"status":[]}"#), None);
    }
}
