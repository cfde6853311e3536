//! Decentralized identifiers: the name of a repo.

use crate::syntax::validated_string;

validated_string! {
    /// A DID, for example `did:plc:44ybard66vv44zksje25o7dz`.
    Did, "DID", "did:<lower-case method>:<identifier of A-Z a-z 0-9 . _ : % ->, not ending in : or %, at most 2048 bytes", is_did
}

fn is_did(text: &str) -> bool {
    let Some((method, id)) = text
        .strip_prefix("did:")
        .and_then(|rest| rest.split_once(':'))
    else {
        return false;
    };
    text.len() <= 2048
        && !method.is_empty()
        && method.bytes().all(|b| b.is_ascii_lowercase())
        && !id.is_empty()
        && !id.ends_with([':', '%'])
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'%' | b'-'))
}

#[cfg(test)]
mod tests;
