//! URLs of did:web documents and of handles' DIDs. Pure.

use url::{Host, Url};

/// Longest host name (RFC 1035).
const MAX_NAME: usize = 253;
/// Longest label of a host name.
const MAX_LABEL: usize = 63;

/// Which hosts may be contacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Hosts of the public network.
    Public,
    /// Any name at any address and port, and `localhost` without TLS: for tests and private networks, where no
    /// untrusted account exists.
    Private,
}

/// The URL of a DID's document; `None` if the DID is no did:web, or its host is not allowed.
///
/// ATProto allows host names only: no paths, no IP addresses, and ports (as `%3A`) only in tests.
pub fn document_url(did: &str, reach: Reach) -> Option<Url> {
    let id = did.strip_prefix("did:web:")?;
    let (host, port) = match id.split_once('%') {
        Some((host, rest)) => (host, Some(port(rest)?)),
        None => (id, None),
    };
    let is_local = host == "localhost";
    let is_allowed = match reach {
        Reach::Public => port.is_none() && is_public_name(host),
        Reach::Private => is_local || is_name(host),
    };
    if !is_allowed {
        return None;
    }
    let scheme = if is_local { "http" } else { "https" };
    let mut url = Url::parse(&format!("{scheme}://{host}/.well-known/did.json")).ok()?;
    url.set_port(port).ok()?;
    // A URL parser reads some numbers as IP addresses.
    matches!(url.host(), Some(Host::Domain(_))).then_some(url)
}

/// The label before a handle whose TXT record holds the DID.
pub const HANDLE_PREFIX: &str = "_atproto.";

/// Top-level domains that are invalid for handles, in addition to those reserved for private networks.
const NO_HANDLES: [&str; 5] = ["alt", "example", "invalid", "onion", "test"];

/// The URL at which a handle's host serves the handle's DID; `None` if the handle is invalid, or its host is not
/// allowed.
///
/// `.test` is a handle with [`Reach::Private`] only, and without TLS.
pub fn handle_url(handle: &str, reach: Reach) -> Option<Url> {
    let (_, last) = handle.rsplit_once('.')?;
    let is_test = reach == Reach::Private && last.eq_ignore_ascii_case("test");
    let is_kept = NO_HANDLES.iter().any(|no| last.eq_ignore_ascii_case(no));
    let is_word = last.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_handle = is_public_name(handle) && is_word && (is_test || !is_kept);
    if !is_handle {
        return None;
    }
    let scheme = if is_test { "http" } else { "https" };
    let url = Url::parse(&format!("{scheme}://{handle}/.well-known/atproto-did")).ok()?;
    url.domain().is_some().then_some(url)
}

/// Whether a host of this name may be contacted.
pub(crate) fn may_ask(host: &str, reach: Reach) -> bool {
    match reach {
        Reach::Public => is_public_name(host),
        Reach::Private => is_name(host),
    }
}

/// The port behind the percent sign of `%3A8080`.
fn port(rest: &str) -> Option<u16> {
    let digits = rest.strip_prefix("3A").or(rest.strip_prefix("3a"))?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| is_plain)
}

/// Whether a name has several labels and is not reserved for machines and private networks.
fn is_public_name(host: &str) -> bool {
    const OWN: [&str; 6] = [
        "localhost",
        "local",
        "internal",
        "localdomain",
        "lan",
        "arpa",
    ];
    let Some((_, last)) = host.rsplit_once('.') else {
        return false;
    };
    is_name(host) && !OWN.iter().any(|own| last.eq_ignore_ascii_case(own))
}

fn is_name(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= MAX_NAME && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests;
