//! The expected JSON: Jetstream v1 text of a record, written from the record model.
//!
//! Deliberately independent code: it must share nothing with the encoder it is compared with. Keys are in bytewise
//! order, except a blob's; `&`, `<`, `>`, U+2028 and U+2029 are escaped; there are no short escapes for backspace and
//! form feed; floats are formatted as in Go.

use data_encoding::BASE64_NOPAD;

use super::value::Value;

pub(crate) fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(value) => out.push_str(&value.to_string()),
        Value::Float(value) => out.push_str(&go_float(*value)),
        Value::Text(text) => write_text(out, text),
        Value::Bytes(bytes) => {
            out.push_str("{\"$bytes\":\"");
            out.push_str(&BASE64_NOPAD.encode(bytes));
            out.push_str("\"}");
        }
        Value::Link(cid) => out.push_str(&format!("{{\"$link\":\"{cid}\"}}")),
        Value::List(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, element);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
            out.push('{');
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(out, key);
                out.push(':');
                write_value(out, value);
            }
            out.push('}');
        }
        Value::Blob {
            content,
            mime_type,
            size,
        } => {
            out.push_str(&format!(
                "{{\"$type\":\"blob\",\"ref\":{{\"$link\":\"{content}\"}},\"mimeType\":"
            ));
            write_text(out, mime_type);
            out.push_str(&format!(",\"size\":{size}}}"));
        }
    }
}

/// A JSON string with its quotes.
pub(crate) fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '&' | '<' | '>' | '\u{2028}' | '\u{2029}' | '\0'..='\x1f' => {
                out.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            _ => out.push(char),
        }
    }
    out.push('"');
}

fn go_float(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    if text.contains("e-") {
        text
    } else {
        text.replace('e', "e+")
    }
}

#[cfg(test)]
mod tests;
