//! Which account a handle names, according to its DNS and its host. The account's own claim does not count here.

use fanjet_did_web::{HANDLE_PREFIX, Reach, Resolver, handle_url};
use fanjet_identity::{NoAnswer, fetch};
use reqwest::{Client, StatusCode};

use super::subject::LookupValue;

/// From a handle's host; a DID has dozens of bytes.
const MAX_ANSWER: usize = 2 << 10;
/// The longest DID that a handle may name.
const MAX_DID: usize = 2 << 10;
/// Handles of this host are never in the DNS.
const WITHOUT_TEXTS: &str = ".bsky.social";
/// Redirects allowed on the way to a handle's DID.
pub(super) const MAX_REDIRECTS: usize = 5;

/// The account that a handle names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner(pub(super) String);

impl LookupValue for Owner {
    fn is_fleeting(&self) -> bool {
        false
    }

    fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// Queries DNS first, then the host. `None` when the handle names no account.
pub(super) async fn owner(
    handle: &str,
    resolver: &Resolver,
    client: &Client,
    reach: Reach,
) -> Result<Option<Owner>, NoAnswer> {
    let Some(url) = handle_url(handle, reach) else {
        return Ok(None);
    };
    let mut silence = None;
    if !handle.ends_with(WITHOUT_TEXTS) {
        match resolver.texts(&format!("{HANDLE_PREFIX}{handle}")).await {
            Ok(texts) => match named(&texts) {
                Named::One(did) => return Ok(Some(Owner(did.to_owned()))),
                Named::Several => return Ok(None),
                Named::None => {}
            },
            Err(no_answer) => silence = Some(no_answer),
        }
    }
    let found = match fetch(client, url, MAX_ANSWER).await {
        Ok(found) => found,
        // A definite no.
        Err(NoAnswer::Status(StatusCode::BAD_REQUEST)) => None,
        // A host that does not exist will not respond later either.
        Err(no_answer) => match resolver.addresses(handle).await {
            Ok(addresses) if addresses.is_empty() => None,
            _ => return Err(no_answer),
        },
    };
    let text = found.and_then(|text| String::from_utf8(text).ok());
    match text.and_then(|text| did(text.trim()).map(str::to_owned)) {
        Some(did) => Ok(Some(Owner(did))),
        // DNS may know what the host does not.
        None => silence.map_or(Ok(None), |no_answer| Err(no_answer.into())),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Named<'a> {
    One(&'a str),
    /// It is undecidable which of them is right.
    Several,
    None,
}

/// The accounts named by the TXT records of a handle.
fn named(texts: &[String]) -> Named<'_> {
    let mut dids = texts
        .iter()
        .filter_map(|text| did(text.strip_prefix("did=")?.trim()));
    match dids.next() {
        None => Named::None,
        Some(first) if dids.all(|other| other == first) => Named::One(first),
        Some(_) => Named::Several,
    }
}

fn did(text: &str) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":.-_%".contains(&byte);
    let is_did = text.starts_with("did:") && text.len() <= MAX_DID && text.bytes().all(is_plain);
    is_did.then_some(text)
}

#[cfg(test)]
mod tests;
