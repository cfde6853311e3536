//! The pairs of a query string, where anything broken is an error.

use std::borrow::Cow;

use super::V2Error;
use crate::OptionsError;
use crate::query::decode;

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Splits and decodes `application/x-www-form-urlencoded` pairs. Bytes that are not UTF-8 become U+FFFD, which no valid
/// value contains.
pub(super) fn pairs(query: &str) -> Result<Vec<Pair<'_>>, V2Error> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pair.contains(';') {
            return Err(V2Error::Semicolon);
        }
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = |text| decode(text).ok_or_else(|| V2Error::Escape(escape(text)));
        pairs.push((decoded(key)?, decoded(value)?));
    }
    Ok(pairs)
}

/// The first broken escape of a text.
fn escape(text: &str) -> String {
    let is_whole = |rest: &str| {
        let mut digits = rest.bytes().skip(1).take(2);
        let is_digit = |digit: Option<u8>| digit.is_some_and(|digit| digit.is_ascii_hexdigit());
        is_digit(digits.next()) && is_digit(digits.next())
    };
    let mut escapes = text.match_indices('%').map(|(at, _)| &text[at..]);
    let broken = escapes.find(|rest| !is_whole(rest)).unwrap_or_default();
    let end = broken
        .char_indices()
        .nth(3)
        .map_or(broken.len(), |(at, _)| at);
    OptionsError::shown(&broken[..end])
}
