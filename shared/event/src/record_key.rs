//! Record keys: the name of a record inside its collection.

use crate::syntax::validated_string;

validated_string! {
    /// A record key, for example `3jui7kd54zh2y` or `self`.
    RecordKey, "record key", "1 to 512 bytes of A-Z a-z 0-9 . - _ : ~, neither . nor ..", is_record_key
}

fn is_record_key(text: &str) -> bool {
    (1..=512).contains(&text.len())
        && text != "."
        && text != ".."
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'~'))
}

#[cfg(test)]
mod tests;
