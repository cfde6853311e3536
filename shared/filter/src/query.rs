//! The pairs of a query string, decoded as v1's server decodes them.

use std::borrow::Cow;

/// Splits and decodes `application/x-www-form-urlencoded` pairs. A pair with a broken `%xx` or a `;` is
/// dropped, as v1 drops it; bytes that are not UTF-8 become U+FFFD, which no valid value contains.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query.split('&').filter_map(|pair| {
        if pair.is_empty() || pair.contains(';') {
            return None;
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((decode(key)?, decode(value)?))
    })
}

pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        decoded.push(match first {
            b'+' => b' ',
            b'%' => {
                let [high, low, tail @ ..] = tail else {
                    return None;
                };
                rest = tail;
                hex(*high)? << 4 | hex(*low)?
            }
            &plain => plain,
        });
    }
    Some(Cow::Owned(String::from_utf8(decoded).unwrap_or_else(
        |bad| String::from_utf8_lossy(bad.as_bytes()).into_owned(),
    )))
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests;
