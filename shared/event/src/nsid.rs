//! Namespaced identifiers: the name of a collection.

use crate::syntax::validated_string;

validated_string! {
    /// An NSID, for example `app.bsky.feed.post`.
    Nsid, "NSID", "at least three dot-separated segments, domain segments of A-Z a-z 0-9 -, a name of A-Z a-z 0-9 that starts with a letter, at most 317 bytes", is_nsid
}

validated_string! {
    /// A collection pattern without its `.*`, for example `app.bsky` for `app.bsky.*`. With one more segment it is an
    /// NSID, or the prefix of one.
    NsidPrefix, "NSID prefix", "dot-separated domain segments of A-Z a-z 0-9 -, the first one starting with a letter, at most 315 bytes", is_prefix
}

impl<S: AsRef<str>> NsidPrefix<S> {
    /// Whether `collection` is below this prefix. A prefix never matches itself.
    pub fn contains(&self, collection: &str) -> bool {
        collection
            .strip_prefix(self.as_str())
            .is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'))
    }
}

fn is_nsid(text: &str) -> bool {
    let Some((domain, name)) = text.rsplit_once('.') else {
        return false;
    };
    text.len() <= 317 && domain.contains('.') && is_domain(domain) && is_name(name)
}

fn is_prefix(text: &str) -> bool {
    text.len() <= 315 && is_domain(text)
}

fn is_domain(text: &str) -> bool {
    text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && text.split('.').all(|segment| {
            let bytes = segment.as_bytes();
            (1..=63).contains(&bytes.len())
                && bytes
                    .iter()
                    .all(|b| b.is_ascii_alphanumeric() || *b == b'-')
                && bytes.first() != Some(&b'-')
                && bytes.last() != Some(&b'-')
        })
}

fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes[0].is_ascii_alphabetic()
        && bytes.iter().all(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests;
