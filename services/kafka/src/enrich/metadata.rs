//! `eventMetadata`, as at-kafka writes it. Pure.

use fanjet_event::Datetime;
use serde::Serialize;
use serde_json::value::RawValue;
use url::Url;

use super::document::{Identity, NO_HANDLE};

/// What at-kafka writes when every lookup failed.
pub(super) const UNKNOWN: &[u8] = br#"{"didDocument":{"id":""},"accountAge":-1,"profile":null}"#;

/// What is known about an account at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The object.
    pub(crate) json: Vec<u8>,
    /// Whether its DID document is known: without it, account and identity events have no metadata.
    pub(crate) has_identity: bool,
    /// The host name of its PDS.
    pub(crate) host: Option<String>,
    /// Whether the account may have changed since its document was looked up.
    pub(crate) is_stale: bool,
}

/// What is known about an account's handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handle<'a> {
    /// The account claims it, and it names the account.
    Verified(&'a str),
    /// The account claims none, or the handle names no account, or a different one.
    Invalid,
    /// The account claims it, and its lookup has no result yet.
    Unverified,
}

/// The results of an account's lookups.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) identity: Option<&'a Identity>,
    pub(super) handle: Handle<'a>,
    pub(super) created_at: Option<&'a str>,
    pub(super) profile: Option<&'a str>,
    pub(super) is_stale: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    did_document: &'a RawValue,
    #[serde(skip_serializing_if = "str::is_empty")]
    pds_host: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    handle: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    did_created_at: &'a str,
    account_age: i64,
    profile: Option<&'a RawValue>,
}

impl Known {
    pub(super) fn of(found: Found<'_>, now_us: u64) -> Self {
        let Found {
            identity,
            handle,
            created_at,
            profile,
            is_stale,
        } = found;
        let handle = match handle {
            Handle::Verified(handle) => handle,
            Handle::Invalid => NO_HANDLE,
            Handle::Unverified => "",
        };
        let raw = |text: &str| serde_json::from_str::<Box<RawValue>>(text).ok();
        let document = identity.map_or(r#"{"id":""}"#, |identity| &identity.document);
        let profile = profile.and_then(raw);
        let json = raw(document).and_then(|document| {
            let metadata = Metadata {
                did_document: &document,
                pds_host: identity.map_or("", |identity| &identity.pds),
                handle: identity.map_or("", |_| handle),
                did_created_at: created_at.unwrap_or(""),
                account_age: age_seconds(created_at, now_us),
                profile: profile.as_deref(),
            };
            serde_json::to_vec(&metadata).ok()
        });
        let url = identity.and_then(|identity| Url::parse(&identity.pds).ok());
        Self {
            json: json.unwrap_or_else(|| UNKNOWN.to_vec()),
            has_identity: identity.is_some(),
            host: url.and_then(|url| url.host_str().map(str::to_owned)),
            is_stale,
        }
    }
}

/// -1 when unknown.
fn age_seconds(created_at: Option<&str>, now_us: u64) -> i64 {
    let created_at = created_at.and_then(|time| Datetime::parse(time).ok());
    let created_us = created_at.and_then(|time| u64::try_from(time.unix_us()?).ok());
    created_us.map_or(-1, |created_us| {
        i64::try_from(now_us.saturating_sub(created_us) / 1_000_000).unwrap_or(-1)
    })
}
