//! A tree of JSON values, written by serde_json with v1's escapes and floats.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::ser::{CharEscape, Formatter};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Json>),
    /// In the order to be written.
    Object(Vec<(String, Json)>),
    Blob(Vec<(String, Json)>),
    Link(String),
    Bytes(String),
}

impl Json {
    pub(super) fn to_v1(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, V1);
        match self.serialize(&mut serializer) {
            Ok(()) => out,
            Err(error) => error.to_string().into_bytes(),
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let object = |serializer: S, entries: &[(String, Self)]| {
            let mut map = serializer.serialize_map(Some(entries.len()))?;
            for (key, value) in entries {
                map.serialize_entry(key, value)?;
            }
            map.end()
        };
        let single = |serializer: S, key: &str, value: &str| {
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(key, value)?;
            map.end()
        };
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(elements) => serializer.collect_seq(elements),
            Self::Object(entries) | Self::Blob(entries) => object(serializer, entries),
            Self::Link(cid) => single(serializer, "$link", cid),
            Self::Bytes(base64) => single(serializer, "$bytes", base64),
        }
    }
}

struct V1;

impl Formatter for V1 {
    /// As Go: plain from 1e-6 up to below 1e21, with an exponent elsewhere.
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if value == 0.0 {
            return writer.write_all(b"0");
        }
        let text = shortest(value);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        if !(1e-6..1e21).contains(&value.abs()) {
            let plus = if exponent.starts_with('-') { "" } else { "+" };
            return write!(writer, "{mantissa}e{plus}{exponent}");
        }
        let sign = if value < 0.0 { "-" } else { "" };
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let exponent: i32 = exponent.parse().unwrap_or_default();
        match usize::try_from(exponent) {
            Err(_) => {
                let zeros = "0".repeat((-exponent - 1) as usize);
                write!(writer, "{sign}0.{zeros}{digits}")
            }
            Ok(exponent) if exponent + 1 < digits.len() => {
                let (whole, fraction) = digits.split_at(exponent + 1);
                write!(writer, "{sign}{whole}.{fraction}")
            }
            Ok(exponent) => write!(writer, "{sign}{digits:0<width$}", width = exponent + 1),
        }
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for character in fragment.chars() {
            match character {
                '&' | '<' | '>' | '\u{2028}' | '\u{2029}' => {
                    write!(writer, "\\u{:04x}", u32::from(character))?;
                }
                _ => write!(writer, "{character}")?,
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        let control = |byte| format!("\\u{byte:04x}");
        let text = match escape {
            CharEscape::Quote => "\\\"".to_owned(),
            CharEscape::ReverseSolidus => "\\\\".to_owned(),
            CharEscape::Solidus => "/".to_owned(),
            CharEscape::LineFeed => "\\n".to_owned(),
            CharEscape::CarriageReturn => "\\r".to_owned(),
            CharEscape::Tab => "\\t".to_owned(),
            CharEscape::Backspace => control(0x08),
            CharEscape::FormFeed => control(0x0c),
            CharEscape::AsciiControl(byte) => control(byte),
        };
        writer.write_all(text.as_bytes())
    }
}

/// The shortest digits that read back, with an exponent. Where two are equally short and equally near, the even one,
/// as in Go; Rust's own choice differs there.
fn shortest(value: f64) -> String {
    let short = format!("{value:e}");
    let mantissa = short.split('e').next().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let nearest = format!("{value:.*e}", digits.saturating_sub(1));
    match nearest.parse::<f64>() {
        Ok(back) if back.to_bits() == value.to_bits() => nearest,
        _ => short,
    }
}
