//! The text of one event: its time, which each server assigns, and the rest, which must not change.

use anyhow::{Context, Result, bail};

const KEY: &[u8] = b"\"time_us\":";

/// The text before and after the digits of the first `time_us`, the envelope's, whatever a record contains; and the
/// time. `None` if there is no time.
pub fn split(json: &[u8]) -> Option<(&[u8], u64, &[u8])> {
    let start = memchr::memmem::find(json, KEY)? + KEY.len();
    let (before, rest) = json.split_at(start);
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, behind) = rest.split_at(digits);
    let time_us = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((before, time_us, behind))
}

/// The log time that an event carries.
pub fn time_us(json: &str) -> Option<u64> {
    split(json.as_bytes()).map(|(_, time_us, _)| time_us)
}

/// Compares one event with the expected one: byte for byte, except for the digits of `time_us`.
///
/// # Errors
/// The first difference, with the text around it.
pub fn compare(expected: &str, got: &str) -> Result<()> {
    let parts =
        |json| split_text(json).with_context(|| format!("an event without time_us: {json}"));
    let (want, have) = (parts(expected)?, parts(got)?);
    for (part, want, have) in [("before", want.0, have.0), ("behind", want.1, have.1)] {
        if want != have {
            let at = want
                .bytes()
                .zip(have.bytes())
                .take_while(|(a, b)| a == b)
                .count();
            bail!(
                "the events differ {part} time_us, at byte {at}:\nexpected ..{}\ngot      ..{}",
                around(want, at),
                around(have, at)
            );
        }
    }
    Ok(())
}

fn split_text(json: &str) -> Option<(&str, &str)> {
    let (before, _, behind) = split(json.as_bytes())?;
    Some((&json[..before.len()], &json[json.len() - behind.len()..]))
}

fn around(text: &str, at: usize) -> String {
    let bytes = &text.as_bytes()[at.saturating_sub(40).min(text.len())..text.len().min(at + 80)];
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
