//! Hides the passwords in URLs.

use std::borrow::Cow;

const HIDDEN: &str = "(hidden)";
/// Characters that end a URL within a text.
const ENDS: &[char] = &['"', '\'', '`', '<', '>', '\\', ',', ';'];

/// Returns the text with the user part of every URL in it hidden: `wss://(hidden)@host/path`. The user part may be a
/// password, or the token that some servers take in its place. Malformed URLs are covered too.
pub fn hide_passwords(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for word in text.split_inclusive(|c: char| c.is_whitespace() || ENDS.contains(&c)) {
        let (begin, end) = user(word);
        shown.push_str(&word[..begin]);
        if begin < end {
            shown.push_str(HIDDEN);
        }
        shown.push_str(&word[end..]);
    }
    shown.into()
}

/// The range of the user part of a URL within a word.
fn user(word: &str) -> (usize, usize) {
    let begin = word.find("//").map_or(0, |at| at + "//".len());
    let address = &word[begin..];
    let authority = &address[..address.find(['/', '?', '#']).unwrap_or(address.len())];
    let len = if word[..begin].ends_with("://") && is_place(authority) {
        0
    } else {
        // The last one: a password may contain an unencoded @ or slash.
        address.rfind('@').unwrap_or(0)
    };
    let is_secret = begin > 0 || address[..len].contains(':');
    if is_secret {
        (begin, begin + len)
    } else {
        (0, 0)
    }
}

/// Whether the text is a host with an optional port, so that the rest is a path.
fn is_place(authority: &str) -> bool {
    let port = match authority.rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') => port,
        _ => "",
    };
    !authority.contains('@') && port.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests;
