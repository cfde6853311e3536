//! String literals: v1 also escapes for HTML (`&`, `<`, `>`, U+2028, U+2029), and has no short escapes for backspace
//! and form feed.

const HEX: &[u8; 16] = b"0123456789abcdef";

/// What to do with one byte of a string. U+2028 and U+2029 are `E2 80 A8` and `E2 80 A9`, so the lead byte needs a
/// closer look.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    Plain,
    Short(u8),
    Unicode,
    SeparatorLead,
}

const CLASSES: [Class; 256] = classes();

/// Appends `text` as a JSON string with its quotes.
pub fn write_str(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escape_into(out, text.as_bytes());
    out.push(b'"');
}

/// Appends bytes that should be UTF-8 as a JSON string: each invalid byte becomes `\ufffd`.
pub fn write_lossy_str(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    let mut rest = text;
    loop {
        match std::str::from_utf8(rest) {
            Ok(valid) => {
                escape_into(out, valid.as_bytes());
                break;
            }
            Err(error) => {
                let (valid, bad) = rest.split_at(error.valid_up_to());
                escape_into(out, valid);
                out.extend_from_slice(br"\ufffd");
                rest = &bad[1..];
            }
        }
    }
    out.push(b'"');
}

fn escape_into(out: &mut Vec<u8>, text: &[u8]) {
    let mut start = 0;
    let mut at = 0;
    while at < text.len() {
        if let Some(block) = text[at..].first_chunk()
            && is_plain(block)
        {
            at += BLOCK;
            continue;
        }
        let byte = text[at];
        let (escape, width): (&[u8], usize) = match CLASSES[usize::from(byte)] {
            Class::Plain => {
                at += 1;
                continue;
            }
            Class::Short(letter) => (&[b'\\', letter], 1),
            Class::Unicode => (
                &[
                    b'\\',
                    b'u',
                    b'0',
                    b'0',
                    HEX[usize::from(byte >> 4)],
                    HEX[usize::from(byte & 15)],
                ],
                1,
            ),
            Class::SeparatorLead => match text[at..] {
                [_, 0x80, 0xa8, ..] => (br"\u2028", 3),
                [_, 0x80, 0xa9, ..] => (br"\u2029", 3),
                _ => {
                    at += 1;
                    continue;
                }
            },
        };
        out.extend_from_slice(&text[start..at]);
        out.extend_from_slice(escape);
        at += width;
        start = at;
    }
    out.extend_from_slice(&text[start..]);
}

/// How many bytes are tested at once: one vector register.
const BLOCK: usize = 16;

/// Whether no byte of the block needs escaping. There is no branch per byte, so it compiles to vector code; most text
/// needs no escaping.
fn is_plain(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(0, |special, &byte| {
        special
            | u8::from(byte < 0x20)
            | u8::from(byte == b'"')
            | u8::from(byte == b'\\')
            | u8::from(byte == b'&')
            | u8::from(byte == b'<')
            | u8::from(byte == b'>')
            | u8::from(byte == 0xe2)
    }) == 0
}

const fn classes() -> [Class; 256] {
    let mut table = [Class::Plain; 256];
    let mut control = 0;
    while control < 0x20 {
        table[control] = Class::Unicode;
        control += 1;
    }
    table[b'\n' as usize] = Class::Short(b'n');
    table[b'\r' as usize] = Class::Short(b'r');
    table[b'\t' as usize] = Class::Short(b't');
    table[b'"' as usize] = Class::Short(b'"');
    table[b'\\' as usize] = Class::Short(b'\\');
    table[b'&' as usize] = Class::Unicode;
    table[b'<' as usize] = Class::Unicode;
    table[b'>' as usize] = Class::Unicode;
    table[0xe2] = Class::SeparatorLead;
    table
}

#[cfg(test)]
mod tests;
