//! Escapes untrusted text for a terminal: it can neither control the terminal nor change the order of characters.

use std::borrow::Cow;

use fanjet_output::is_unprintable;

/// A text without control characters, at most `chars` characters long.
pub(crate) fn printable(text: &str, chars: usize) -> String {
    let mut shown: String = text.chars().take(chars).map(tamed).collect();
    if text.chars().nth(chars).is_some() {
        shown.push_str("...");
    }
    shown
}

fn tamed(char: char) -> char {
    if is_unprintable(char) { ' ' } else { char }
}

/// The same JSON, with control characters escaped.
pub(crate) fn escaped(json: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(json);
    if !text.contains(is_unprintable) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 64);
    for char in text.chars() {
        match char {
            // Between values, or it is not JSON.
            '\t' | '\n' | '\r' => escaped.push(' '),
            char if is_unprintable(char) => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
            char => escaped.push(char),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARMFUL: &str =
        "\u{1b}]0;x\u{7}\u{9b}2J\u{9d}\u{202e}\u{2066}\u{200f}\u{61c}\u{2028}\u{7f}\u{e0001}";

    #[test]
    fn control_characters_are_removed_and_all_others_kept() {
        let shown = printable(&format!("a{HARMFUL}\u{e4}\u{1f600}"), 100);
        assert!(!shown.contains(is_unprintable), "{shown:?}");
        assert!(shown.starts_with('a') && shown.ends_with("\u{e4}\u{1f600}"));
        assert_eq!(printable("\u{e4}bc", 2), "\u{e4}b...");
        assert_eq!(printable("\u{e4}b", 2), "\u{e4}b");
    }

    #[test]
    fn escaped_json_has_the_same_value() {
        let value =
            serde_json::json!({ format!("k{}", &HARMFUL[3..]): [format!("\u{e4}{HARMFUL}")] });
        let json = format!("{{\n\t{}", &value.to_string()[1..]);
        let escaped = escaped(json.as_bytes());
        assert!(!escaped.contains(is_unprintable), "{escaped:?}");
        let read: serde_json::Value = serde_json::from_str(&escaped).unwrap();
        assert_eq!(read, value);
    }

    #[test]
    fn harmless_json_is_unchanged_and_invalid_utf8_is_replaced() {
        let json = "{\"a\":\"\u{e4}\\u001b\"}";
        assert!(matches!(escaped(json.as_bytes()), Cow::Borrowed(same) if same == json));
        assert_eq!(escaped(b"\"\x9b2J\""), "\"\u{fffd}2J\"");
    }
}
